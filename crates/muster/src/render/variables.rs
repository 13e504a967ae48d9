//! The words of `handlebars-cmd` as variables: those of the npm module `optimist` as far as templates can tell.
//!
//! | word | variable |
//! |---|---|
//! | `--name VALUE`, `--name=VALUE`, `-n VALUE` | the text, unless it is a JSON array or object |
//! | `--name`, before another flag or at the end | true |
//! | `--no-name` | false |
//! | `--a.b VALUE` | `b` in `a` |
//! | `--name 1 --name 2` | a list |
//! | FILE | a JSON file; its variables win |
//! | `--out FILE` | none: where the result goes, instead of standard output |

use muster_render::{Map, Value};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// How deep `--a.b.c` goes.
const NAMES_MAX: usize = 32;

/// The words, read.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) variables: Map,
    pub(super) files: Vec<PathBuf>,
    pub(super) out: Option<PathBuf>,
}

/// Reads the words.
pub(super) fn read(words: &[OsString]) -> Result<Words, String> {
    let mut read = Words::default();
    let mut words = words.iter().peekable();
    let mut only_files = false;
    while let Some(word) = words.next() {
        let text = word.to_str();
        let flag = text.filter(|_| !only_files).and_then(flag);
        match flag {
            None if text == Some("--") && !only_files => only_files = true,
            None => read.files.push(word.into()),
            Some((name, Some(value))) => read.set(name, value)?,
            Some((name, None)) => match words.next_if(|next| is_value(next)) {
                Some(value) => {
                    let value =
                        value.to_str().ok_or_else(|| format!("--{name}: the value is no text in UTF-8"))?;
                    read.set(name, value)?;
                }
                None if name == "out" => return Err("--out wants a file".to_owned()),
                None => match name.strip_prefix("no-") {
                    Some(name) => read.put(name, false.into())?,
                    None => read.put(name, true.into())?,
                },
            },
        }
    }
    Ok(read)
}

/// `--name`, `--name=value`, `-n`: name and value.
fn flag(word: &str) -> Option<(&str, Option<&str>)> {
    let name = word.strip_prefix("--").or_else(|| {
        let short = word.strip_prefix('-')?;
        (short.chars().nth(1).is_none_or(|next| next == '=') && short != "-").then_some(short)
    })?;
    if name.is_empty() {
        return None;
    }
    Some(name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value))))
}

/// Whether the word behind a flag is its value: no flag itself, but a negative number is one.
fn is_value(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    !bytes.starts_with(b"-") || bytes == b"-" || bytes.get(1).is_some_and(u8::is_ascii_digit)
}

impl Words {
    fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        if name == "out" {
            self.out = Some(text.into());
            return Ok(());
        }
        self.put(name, value(text))
    }

    fn put(&mut self, name: &str, value: Value) -> Result<(), String> {
        let names: Vec<&str> = name.split('.').collect();
        if names.len() > NAMES_MAX {
            return Err(format!("--{name}: more than {NAMES_MAX} names"));
        }
        put(&mut self.variables, &names, value);
        Ok(())
    }
}

fn put(map: &mut Map, names: &[&str], value: Value) {
    let Some((name, rest)) = names.split_first() else { return };
    let known = map.get(name).cloned();
    let value = match (rest, known) {
        ([], None) => value,
        ([], Some(Value::List(items))) => items.iter().cloned().chain([value]).collect(),
        ([], Some(known)) => [known, value].into_iter().collect(),
        (rest, known) => {
            let mut inner = match known {
                Some(Value::Map(inner)) => Map::clone(&inner),
                _ => Map::default(),
            };
            put(&mut inner, rest, value);
            Value::Map(Arc::new(inner))
        }
    };
    map.insert((*name).to_owned(), value);
}

/// A JSON array or object is read; anything else, and what is none after all, stays the text typed.
fn value(text: &str) -> Value {
    let is_json = text.trim_start().starts_with(['[', '{']);
    is_json.then(|| serde_json::from_str(text).ok()).flatten().unwrap_or_else(|| Value::copy(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(words: &[&str], template: &str) -> String {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let data = Value::Map(Arc::new(read(&words).unwrap().variables));
        let options = muster_render::Options::handlebars_cmd();
        let template = muster_render::Template::parse(template, &options).unwrap();
        template.render(&data, &muster_render::Partials::new(), &options).unwrap()
    }

    #[test]
    fn words_become_variables() {
        assert_eq!(show(&["--a", "1", "--b=2", "-c", "3", "--d"], "{{a}}{{b}}{{c}}{{d}}"), "123true");
        assert_eq!(show(&["--x", "-5", "--no-y", "--z"], "{{x}} {{y}} {{z}}"), "-5 false true");
        assert_eq!(show(&["--x.y", "1", "--x.z", "2"], "{{x.y}}{{x.z}}"), "12");
        assert_eq!(show(&["--x", "1", "--x", "2", "--x", "3"], "{{#each x}}{{this}},{{/each}}"), "1,2,3,");
        assert_eq!(
            show(&["--x", "7e1234567890", "--y", "007", "--z", "a=b"], "{{x}} {{y}} {{z}}"),
            "7e1234567890 007 a=b"
        );
        assert_eq!(show(&["--x", r#"{"b":1,"a":[2]}"#], "{{#each x}}{{@key}}{{this}} {{/each}}"), "b1 a2 ");
        assert_eq!(show(&["--x", "[1,"], "{{x}}"), "[1,");
    }

    #[test]
    fn other_words_are_files() {
        let words: Vec<OsString> =
            ["a.json", "--x", "1", "--out", "o", "--", "--b"].iter().map(OsString::from).collect();
        let read = read(&words).unwrap();
        assert_eq!(read.files, [PathBuf::from("a.json"), PathBuf::from("--b")]);
        assert_eq!(read.out, Some(PathBuf::from("o")));
        assert!(super::read(&[OsString::from("--out")]).is_err());
    }
}
