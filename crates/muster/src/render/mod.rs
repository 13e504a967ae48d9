//! Files from templates: `muster render`, and the program when it is called `handlebars`.
//!
//! | idea | file |
//! |---|---|
//! | `muster render --once` | here |
//! | what changes, as `diff -u` shows it | [`diff`] |
//! | `handlebars`, npm's `handlebars-cmd` | [`handlebars`] |
//! | its words as variables | [`variables`] |
//! | reading files and standard input, bounded | [`read`] |

mod diff;
pub(crate) mod handlebars;
mod read;
mod variables;

use crate::cli::RenderArgs;
use crate::config::views;
use crate::{exit, out};
use muster_render::{Escape, Fleet, Options, Partials, Template};
use muster_whole_file as whole_file;
use std::path::Path;
use std::process::ExitCode;

/// Mode of a file that was not there.
const MODE_IF_NEW: u32 = 0o644;

pub(crate) fn run(args: &RenderArgs) -> ExitCode {
    match render(args) {
        Ok(text) => finish(args, &text),
        Err(why) => out::fail(&why),
    }
}

/// The output, in words what is wrong.
fn render(args: &RenderArgs) -> Result<String, String> {
    let options =
        Options { strict: args.strict, ..Options::strict(args.escape.unwrap_or_else(|| mode(args))) };
    let most = options.limits.template_bytes;
    let text = read::text(&args.template, most)?;
    let template =
        Template::parse(&text, &options).map_err(|error| format!("{}: {error}", args.template.display()))?;
    let mut partials = Partials::new();
    for (name, path) in &args.partial {
        let text = read::text(path, most)?;
        let partial = Template::parse_partial(name, &text, &options)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        partials.insert(name.clone(), partial);
    }
    let fleet = fleet(&args.with)?;
    let rendered = template
        .render_fleet(&fleet, &partials, &options)
        .map_err(|error| format!("{}: {error}", args.template.display()))?;
    for refusal in rendered.refusals {
        out::say(&format_args!("note: {refusal}; it is left out"));
    }
    Ok(rendered.text)
}

/// The kind of file, by the name of what is written, else of the template.
fn mode(args: &RenderArgs) -> Escape {
    let name = |path: &Path| Escape::for_file(&path.to_string_lossy());
    match args.out.as_deref().map(name) {
        None | Some(Escape::None) => name(&args.template),
        Some(mode) => mode,
    }
}

fn fleet(path: &Path) -> Result<Fleet, String> {
    let text = read::text(path, read::DATA_BYTES_MAX)?;
    let mut fleet: Fleet =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    // What the file says of the environment is meant to stand for it.
    if fleet.env.is_empty() {
        fleet.env = muster_agent::templates::environment(&views::withheld());
    }
    Ok(fleet)
}

/// Shows or writes it.
fn finish(args: &RenderArgs, text: &str) -> ExitCode {
    let Some(path) = &args.out else { return out::answer(text) };
    if args.diff {
        match diff::against(path, text) {
            Ok(difference) => {
                if let Err(end) = out::part(&difference) {
                    return end;
                }
            }
            Err(why) => return out::fail(&why),
        }
    }
    let (changed, done) = if args.dry_run {
        (std::fs::read(path).map_or(true, |old| old != text.as_bytes()), "would be written")
    } else {
        match write(path, text) {
            Ok(changed) => (changed, "written"),
            Err(why) => return out::fail(&why),
        }
    };
    out::say(&format_args!("{}: {}", path.display(), if changed { done } else { "unchanged" }));
    exit::CLEAN
}

/// Whole or not at all; whether it was another one.
fn write(path: &Path, text: &str) -> Result<bool, String> {
    whole_file::update(path, text.as_bytes(), MODE_IF_NEW)
        .map_err(|error| format!("cannot write {}: {error}; it is as it was", path.display()))
}
