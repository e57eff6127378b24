//! No circle between files: each file can be read without the files that need it.
//!
//! A module and the modules below it are omitted, because a child may use what its parent defines for all of them. Unit
//! tests are omitted, because they may import anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::Visit;

use crate::files::rust_files;

/// The place of a module below its crate: `store::incident` is `["store", "incident"]`.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The folders of the crates; the files in one import each other.
const CRATES: [&str; 9] = [
    "src",
    "src/domain",
    "crates/discord-sandbox/src",
    "crates/discord-gateway-relay/src",
    "crates/outbound-policy/src",
    "benches/checks",
    "benches/heartbeats",
    "examples/demo",
    "tests/scenarios",
];

/// Every circle, one line each.
pub fn breaches() -> Vec<String> {
    let mut breaches = Vec::new();
    for folder in CRATES {
        let files = rust_files(Path::new(folder));
        assert!(files.len() > 2, "the sources of {folder} were not found");
        let circles = of(Path::new(folder)).into_iter();
        breaches.extend(circles.map(|circle| format!("{folder}: {circle}")));
    }
    breaches
}

/// The circles between the files below one folder.
pub fn of(folder: &Path) -> Vec<String> {
    let files = rust_files(folder).into_iter();
    let sources = files.filter(|file| !is_unit_test(file)).map(|file| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        (module_of(folder, &file), text)
    });
    circles(&imports(&sources.collect())).collect()
}

/// Whether a file is compiled for unit tests only.
pub fn is_unit_test(file: &Path) -> bool {
    let is_below_tests = file.iter().any(|part| part == "tests") && !file.starts_with("tests");
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    is_below_tests || name.ends_with("tests") || name == "testing"
}

fn module_of(folder: &Path, file: &Path) -> Module {
    let inside = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let mut module: Module = inside
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let is_root = module.len() == 1 && module.iter().all(|name| name == "lib" || name == "main");
    if is_root || module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

/// Which files each file imports, apart from those above and below it.
fn imports(sources: &BTreeMap<Module, String>) -> Imports {
    let mut all = Imports::new();
    for (module, text) in sources {
        let Ok(file) = syn::parse_file(text) else {
            panic!("{} is not valid Rust", module.join("::"));
        };
        let mut names = Names {
            at: module.clone(),
            found: Vec::new(),
        };
        names.visit_file(&file);
        let imported = names
            .found
            .iter()
            .filter_map(|name| owner(sources, name))
            .filter(|other| !module.starts_with(other) && !other.starts_with(module));
        all.insert(module.clone(), imported.collect());
    }
    all
}

/// The file in which a name stands: the longest part of its path that is a module.
fn owner(sources: &BTreeMap<Module, String>, name: &[String]) -> Option<Module> {
    (1..=name.len())
        .rev()
        .map(|length| name[..length].to_vec())
        .find(|module| sources.contains_key(module))
}

/// Collects the names of a file that lie in its crate, as paths from the root.
struct Names {
    /// The module that is being read: the file, and the modules inside it.
    at: Module,
    found: Vec<Vec<String>>,
}

impl Names {
    fn add(&mut self, path: &[String]) {
        let mut place = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.at.clone(),
            _ => return,
        };
        for name in path {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => drop(place.pop()),
                name => place.push(name.to_owned()),
            }
        }
        self.found.push(place);
    }

    fn add_tree(&mut self, tree: &syn::UseTree, mut path: Vec<String>) {
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.add_tree(&part.tree, path);
            }
            syn::UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.add(&path);
            }
            syn::UseTree::Rename(name) => {
                path.push(name.ident.to_string());
                self.add(&path);
            }
            syn::UseTree::Glob(_) => self.add(&path),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, path.clone());
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident == "tests" {
            return;
        }
        self.at.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        self.add(&names);
        syn::visit::visit_path(self, path);
    }

    /// Inside a macro there are only tokens.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let tokens: String = call
            .tokens
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("");
        for (at, start) in tokens.match_indices("crate::") {
            let rest = &tokens[at + start.len()..];
            let end = rest.find(|one: char| !one.is_alphanumeric() && one != '_' && one != ':');
            let path = &rest[..end.unwrap_or(rest.len())];
            let names = std::iter::once("crate").chain(path.split("::"));
            self.add(&names.map(str::to_owned).collect::<Vec<_>>());
        }
        syn::visit::visit_macro(self, call);
    }
}

/// The groups of files that reach each other, each as a list of their names.
fn circles(imports: &Imports) -> impl Iterator<Item = String> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = imports
        .keys()
        .map(|module| (module, reached_from(imports, module)))
        .collect();
    let circles: BTreeSet<Vec<String>> = imports
        .keys()
        .filter(|module| reached[module].contains(module))
        .map(|module| {
            let others = reached[module].iter();
            let circle = others.filter(|other| reached[*other].contains(module));
            circle.map(|other| other.join("::")).collect()
        })
        .collect();
    circles.into_iter().map(|circle| circle.join(" ↔ "))
}

fn reached_from<'a>(imports: &'a Imports, from: &Module) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Module> = imports[from].iter().collect();
    while let Some(module) = waiting.pop() {
        if reached.insert(module) {
            waiting.extend(&imports[module]);
        }
    }
    reached
}

#[test]
fn circles_are_found_through_every_kind_of_import() {
    let find = |files: &[(&str, &str)]| -> Vec<String> {
        let sources = files.iter().map(|(file, text)| {
            let module = module_of(Path::new("src"), &Path::new("src").join(file));
            (module, (*text).to_owned())
        });
        circles(&imports(&sources.collect())).collect()
    };
    let back = ("b.rs", "use crate::a::One;");
    for text in [
        "use crate::b::Two;",
        "use super::b::{self, Two};",
        "use crate::{b::Two as Other, c};",
        "use super::b::*;",
        "fn two(two: crate::b::Two) {}",
        "macro_rules! two { () => { $crate::b::two!() } }",
        "mod inner { use super::super::b; }",
    ] {
        assert_eq!(find(&[("a.rs", text), back]), ["a ↔ b"], "{text}");
    }
    let longer = [
        ("a.rs", "use crate::b::x;"),
        ("b.rs", "use crate::c::x;"),
        ("c/mod.rs", "use crate::a::x;"),
        ("d.rs", "use crate::a::x;"),
    ];
    assert_eq!(find(&longer), ["a ↔ b ↔ c"]);
    let without = [
        ("lib.rs", "mod a; mod c; use crate::a::x;"),
        ("a.rs", "use crate::c::{self, deep::y}; // use crate::b;"),
        ("c/mod.rs", "mod deep; use deep::y;"),
        (
            "c/deep.rs",
            "use super::x; use std::fmt; mod tests { use crate::a; }",
        ),
    ];
    assert_eq!(find(&without), [] as [&str; 0]);
}
