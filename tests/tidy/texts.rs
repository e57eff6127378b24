//! Lists the texts that are in the code, so that every one of them is seen when it changes: the log lines, and for each
//! layer its sentences. The texts of Discord, of the command line's help and of the metrics have snapshots beside them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::files::rust_files;

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Words that only SQL has in upper case.
const SQL: [&str; 12] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "WHERE", "FROM", "VALUES", "PRAGMA", "ORDER", "JOIN",
    "SET", "AND",
];

/// Fewer words are names, labels or parts of a format.
const SENTENCE: usize = 3;

/// The texts of one file, in their order.
#[derive(Default)]
struct Texts {
    sentences: Vec<String>,
    log_lines: Vec<String>,
}

impl Texts {
    fn of(path: &Path) -> Self {
        let source = fs::read_to_string(path).unwrap();
        let mut texts = Self::default();
        texts.visit_file(&syn::parse_file(&source).unwrap());
        texts
    }

    fn literal(&mut self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_word = |word: &&str| word.chars().any(char::is_alphabetic);
        let words = text.split(' ').filter(is_word).count();
        let is_sql = text.split([' ', '(']).any(|word| SQL.contains(&word));
        if words >= SENTENCE && !is_sql {
            self.sentences.push(text);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) if is_documentation(&group) => {}
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Some(text) = text_of(&literal.to_string()) {
                        self.literal(&text);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

fn text_of(literal: &str) -> Option<String> {
    syn::parse_str::<syn::LitStr>(literal)
        .ok()
        .map(|text| text.value())
}

/// A documentation comment in a macro call has become `#[doc = "…"]`.
fn is_documentation(group: &proc_macro2::Group) -> bool {
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(ident)) if ident == "doc")
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let of = attribute.path();
        let is_cfg_test = of.is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|flag| flag == "test");
        is_cfg_test || of.is_ident("test")
    })
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // The text of an error. Descriptions of commands and options are in the snapshot of the command list.
        if attribute.path().is_ident("error")
            && let syn::Meta::List(list) = &attribute.meta
        {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let name = called.path.segments.last().unwrap().ident.to_string();
        if called.path.segments[0].ident == "tracing" && LEVELS.contains(&name.as_str()) {
            self.log_lines.push(log_line(&name, called.tokens.clone()));
        } else {
            self.tokens(called.tokens.clone());
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        // An internal error is for the log and never shown to a member.
        let is_internal = matches!(&*call.func, syn::Expr::Path(path)
            if path.path.segments.last().unwrap().ident == "Internal");
        if !is_internal {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.literal(&literal.value());
    }
}

/// `level  message  field field`
fn log_line(level: &str, tokens: TokenStream) -> String {
    let mut message = String::new();
    let mut fields = Vec::new();
    let mut part = Vec::new();
    for token in tokens.into_iter().map(Some).chain([None]) {
        match token {
            Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => {
                field_or_message(&part, &mut fields, &mut message);
                part.clear();
            }
            Some(token) => part.push(token),
            None => field_or_message(&part, &mut fields, &mut message),
        }
    }
    format!("{level:<5} {message}  {}", fields.join(" "))
        .trim_end()
        .to_owned()
}

fn field_or_message(part: &[TokenTree], fields: &mut Vec<String>, message: &mut String) {
    if let [TokenTree::Literal(literal)] = part
        && let Some(text) = text_of(&literal.to_string())
    {
        *message = text;
        return;
    }
    let name = part.iter().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => None,
        _ => None,
    });
    // `target: "…"` is no field.
    let is_target = matches!(part.get(1), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    if !is_target {
        fields.extend(name);
    }
}

/// The files of the program, without tests and what only tests and fuzz targets use.
fn program_files() -> Vec<PathBuf> {
    let folders = [
        "src",
        "crates/discord-gateway-relay/src",
        "crates/outbound-policy/src",
    ];
    let files = folders
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)));
    files
        .filter(|path| !path.to_string_lossy().contains("test") && !path.ends_with("fuzzing.rs"))
        .collect()
}

fn layer(path: &Path) -> String {
    let mut parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let (first, second) = (parts.next().unwrap(), parts.next().unwrap());
    match (first.as_ref(), second.split_once('.')) {
        ("src", Some((file, _))) => file.to_owned(),
        _ => second.into_owned(),
    }
}

#[test]
fn log_lines() {
    let mut list = String::new();
    for path in program_files() {
        let lines = Texts::of(&path).log_lines;
        if !lines.is_empty() {
            writeln!(list, "{}\n  {}", path.display(), lines.join("\n  ")).unwrap();
        }
    }
    insta::assert_snapshot!(list);
}

#[test]
fn sentences_of_each_layer() {
    let mut layers: BTreeMap<String, String> = BTreeMap::new();
    for path in program_files() {
        let sentences = Texts::of(&path).sentences;
        let layer = layer(&path);
        if sentences.is_empty() || ["discord", "metrics"].contains(&layer.as_str()) {
            continue;
        }
        let list = layers.entry(layer).or_default();
        writeln!(list, "{}\n  {}", path.display(), sentences.join("\n  ")).unwrap();
    }
    for (layer, list) in layers {
        insta::assert_snapshot!(format!("sentences_{layer}"), list);
    }
}

#[test]
fn sentences_for_members_are_in_the_texts_of_their_feature() {
    let mut strays = Vec::new();
    for path in rust_files(Path::new("src/discord")) {
        if path.ends_with("texts.rs") || path.to_string_lossy().contains("test") {
            continue;
        }
        for sentence in Texts::of(&path).sentences {
            strays.push(format!("{}: {sentence}", path.display()));
        }
    }
    assert!(
        strays.is_empty(),
        "move to texts.rs:\n{}",
        strays.join("\n")
    );
}
