use crate::{Escape, Options, Partials, Template, Value};
use alloc::string::{String, ToString};

const DATA: &str = r#"{"s":"A b","n":3,"t":"12","e":"","l":["b","a","c"],"nums":[10,9,2],
    "m":{"x":1,"y":"q\"z"},"people":[{"n":"zoe","a":2},{"n":"al","a":10},{"n":"bo","a":2}],"len":"mine"}"#;

fn show(template: &str) -> Result<String, String> {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let options = Options::strict(Escape::None);
    let template = Template::parse(template, &options).map_err(|error| error.to_string())?;
    template.render(&data, &Partials::new(), &options).map_err(|error| error.to_string())
}

#[test]
fn each_helper_answers_what_its_name_says() {
    let cases = [
        (r#"{{eq n 3}} {{eq t 12}} {{ne s "A b"}} {{eq l l}}"#, "true true false true"),
        ("{{lt n 10}} {{lt t 9}} {{le 3 n}} {{gt n 3}} {{ge n 3}}", "true false true false true"),
        (r#"{{lt "a" "b"}} {{#eq n 3}}yes{{else}}no{{/eq}}"#, "true yes"),
        ("{{and n s}} {{and n e}} {{or e n}} {{not e}}", "true false true true"),
        (r#"{{default e "d"}} {{default n 1}} {{default m.nope "d"}}"#, "d 3 d"),
        (
            "{{add n 1 t}} {{sub n 5}} {{mul n 2}} {{div t 5}} {{mod t 5}} {{add 0.5 0.25}}",
            "16 -2 6 2 2 0.75",
        ),
        (r#"{{upper s}} {{lower s}} [{{trim "  x "}}] {{concat s n}}"#, "A B a b [x] A b3"),
        (r#"{{replace s " " "_"}} {{replace s "" "x"}}"#, "A_b A b"),
        (
            r#"{{contains s "b"}} {{contains l "c"}} {{contains m "x"}} {{contains m "z"}}"#,
            "true true true false",
        ),
        (r#"{{starts_with s "A"}} {{ends_with s "A"}}"#, "true false"),
        ("{{len l}} {{len m}} {{len s}} {{first l}} {{last l}}", "3 2 3 b c"),
        (r#"{{join l ", "}} {{join people "," "n"}} {{join (split "x-y" "-")}}"#, "b, a, c zoe,al,bo x,y"),
        (
            r#"{{join (sort l)}} {{join (sort nums)}} {{join (sort people "a") "," "n"}}"#,
            "a,b,c 2,9,10 zoe,bo,al",
        ),
        ("{{join (reverse l)}} {{join (keys m)}}", "c,a,b x,y"),
        ("{{{json m}}} {{{json l}}}", r#"{"x":1,"y":"q\"z"} ["b","a","c"]"#),
        // Without arguments it is the data's own name.
        ("{{len}}", "mine"),
    ];
    for (template, expected) in cases {
        assert_eq!(show(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn wrong_use_is_said_with_its_place() {
    let cases = [
        ("{{eq n}}", "line 1, column 3: `eq` takes 2 arguments"),
        ("x\n {{add n s}}", "line 2, column 4: add: an argument is no number"),
        ("{{div n 0}}", "line 1, column 3: div: the result is no number"),
        ("{{join n}}", "line 1, column 3: join: the first argument is no list"),
        (r#"{{split s ""}}"#, "line 1, column 3: split: there is nothing to split at"),
        ("{{nope n}}", "line 1, column 3: there is no helper `nope`"),
    ];
    for (template, expected) in cases {
        assert_eq!(show(template).unwrap_err(), expected, "{template}");
    }
}

#[test]
fn handlebars_of_npm_knows_none_of_them() {
    let options = Options::handlebars();
    let template = Template::parse("{{upper s}}", &options).unwrap();
    assert!(template.render(&Value::Null, &Partials::new(), &options).is_err());
}
