//! What the commands that make files from templates teach.

pub(in super::super) const RENDER: &str = "\
Renders a Handlebars template over a fleet: who is there, what they serve, since when.

The template knows `addresses` ([{host, ip, port}], by name), `services`, `members`, `node` and `env`; docs/templates.md lists \
them and the helpers. Values are escaped for the kind of file that is made. A member whose name or shown tag cannot be \
written in such a file is left out, with a note; the others are not.";

pub(in super::super) const RENDER_AFTER: &str = "\
Examples:
  muster members --format json > fleet.json
  muster render --once haproxy.cfg.hb --with fleet.json --out haproxy.cfg --dry-run --diff
  muster render --once targets.json.hb --with fleet.json --escape json

The file is replaced whole: the new one is made beside it, brought to the disk and renamed. Its mode
stays, and when nothing changes it is not touched.

Exit codes:
  0  rendered
  1  the template, the fleet or a file is wrong; the file is as it was";

pub(in super::super) const HANDLEBARS: &str = "\
Renders a Handlebars template from standard input, as npm's handlebars-cmd does.

Every --NAME VALUE is a variable of the template: the text typed, unless it is a JSON array or object. Other words are \
JSON files of variables, which win. Called as `handlebars` (ln -s muster handlebars), the program is this command.";

pub(in super::super) const HANDLEBARS_AFTER: &str = "\
Example:
  muster handlebars --addresses '[{\"host\":\"s1\",\"ip\":\"10.0.0.1\"}]' --out haproxy.cfg < haproxy.cfg.hb

With --out the file is replaced whole, or stays as it is when anything is wrong.

Exit codes:
  0  rendered
  1  the template or a file is wrong; nothing was shown or written";
