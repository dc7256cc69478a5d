//! The `#[vthost::test]` attribute. Use it through the crate `vthost-sdk`.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprLit, Ident, ItemFn, Lit, LitStr, Meta, Token, bracketed};

/// Makes a function a test of the pack: `#[vthost::test] fn boot(test: &Test) -> Result`.
///
/// The first line of its documentation is its summary. Options:
/// - `name = "qemu_img.check"`: its name, where that is not the name of the function;
/// - `tags = ["smoke", "network"]`: words to select it by;
/// - `needs = ["raw-qmp"]`: grants that it cannot do without.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = syn::parse_macro_input!(options as Options);
    let function = syn::parse_macro_input!(item as ItemFn);
    register(&options, &function)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// What stands in the brackets of the attribute.
#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    tags: Vec<LitStr>,
    needs: Vec<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "name" => options.name = Some(input.parse()?),
                "tags" => options.tags = list(input)?,
                "needs" => options.needs = list(input)?,
                other => {
                    return Err(Error::new(
                        key.span(),
                        format!("unknown option `{other}`; known are `name`, `tags` and `needs`"),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    bracketed!(content in input);
    let items = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    Ok(items.into_iter().collect())
}

fn register(options: &Options, function: &ItemFn) -> syn::Result<Tokens> {
    if let Some(token) = &function.sig.asyncness {
        return Err(Error::new(
            token.span,
            "a test is a plain function: start jobs to do two things at once",
        ));
    }
    if function.sig.inputs.len() != 1 {
        return Err(Error::new_spanned(
            &function.sig,
            "a test takes one argument: `test: &Test`",
        ));
    }
    let ident = &function.sig.ident;
    let name = options
        .name
        .as_ref()
        .map_or_else(|| ident.to_string(), LitStr::value);
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(Error::new_spanned(
            &options.name,
            "the name of a test has no blanks and is not empty",
        ));
    }
    let summary = summary(&function.attrs);
    let (tags, needs) = (&options.tags, &options.needs);
    Ok(quote! {
        #function

        ::vthost::__private::inventory::submit! {
            ::vthost::__private::Registered {
                name: #name,
                summary: #summary,
                tags: &[#(#tags),*],
                needs: &[#(#needs),*],
                run: #ident,
            }
        }
    })
}

/// The first paragraph of the documentation, on one line.
fn summary(attributes: &[Attribute]) -> String {
    let mut words: Vec<String> = Vec::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &pair.value
        {
            let text = text.value();
            let line = text.trim();
            if line.is_empty() && !words.is_empty() {
                break;
            }
            words.extend(line.split_whitespace().map(str::to_owned));
        }
    }
    words.join(" ")
}
