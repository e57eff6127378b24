//! Counts the functions of a file, their lines and their arguments. Skips unit tests.

use syn::visit::Visit;

/// Functions with more lines than this are counted apart.
const LONG: usize = 40;

/// What the functions of some files have in common.
#[derive(Default)]
pub struct Functions {
    pub number: usize,
    /// Lines of the longest one.
    pub longest: usize,
    /// How many have more than `LONG` lines.
    pub long: usize,
    pub most_arguments: usize,
    /// How many arguments are tuples, which hide their number.
    pub tuple_arguments: usize,
}

impl Functions {
    pub fn count(&mut self, file: &syn::File) {
        self.visit_file(file);
    }

    pub fn add(&mut self, other: &Self) {
        self.number += other.number;
        self.longest = self.longest.max(other.longest);
        self.long += other.long;
        self.most_arguments = self.most_arguments.max(other.most_arguments);
        self.tuple_arguments += other.tuple_arguments;
    }

    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let last = body.brace_token.span.close().end().line;
        let lines = last - signature.fn_token.span.start().line + 1;
        self.number += 1;
        self.longest = self.longest.max(lines);
        self.long += usize::from(lines > LONG);
        self.most_arguments = self.most_arguments.max(signature.inputs.len());
        self.tuple_arguments += signature
            .inputs
            .iter()
            .filter(|input| is_tuple(input))
            .count();
    }
}

fn is_tuple(argument: &syn::FnArg) -> bool {
    let syn::FnArg::Typed(argument) = argument else {
        return false;
    };
    let mut kind = &*argument.ty;
    while let syn::Type::Reference(reference) = kind {
        kind = &reference.elem;
    }
    matches!(kind, syn::Type::Tuple(tuple) if !tuple.elems.is_empty())
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
}
