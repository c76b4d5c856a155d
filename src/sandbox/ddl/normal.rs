//! The normalised form of definition texts (facts 29 to 31): what `sys.default_constraints.definition` and its like show.
//! Normalising a normalised text changes nothing.

use crate::sandbox::meta::names::bracket;
use crate::sandbox::meta::types;

use super::error::DdlResult;
use super::expression::{Expr, ExpressionParser, Facets, TypeName, unexpected};
use super::lexer::{Tok, lex};

/// Parses one whole expression.
pub fn parse(text: &str, quoted_identifier: bool) -> DdlResult<Expr> {
    let tokens = lex(text, quoted_identifier)?;
    let mut parser = ExpressionParser::new(&tokens, 0);
    let expr = parser.expression()?;
    match &tokens[parser.position().min(tokens.len() - 1)].tok {
        Tok::End => Ok(expr),
        other => Err(unexpected(other)),
    }
}

/// A definition as the catalogue keeps it: one pair of parentheses around the normalised expression.
pub fn definition(expr: &Expr) -> String {
    let mut out = String::from("(");
    write(expr, &mut out);
    out.push(')');
    out
}

/// Columns that an expression names, in order of appearance, each once as first written.
pub fn columns(expr: &Expr) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    walk(expr, &mut |e| {
        if let Expr::Column(parts) = e {
            let name = parts.last().cloned().unwrap_or_default();
            if !name.starts_with('$') && !out.iter().any(|o| o == &name) {
                out.push(name);
            }
        }
        // [col].value(…) parses as a function of a dotted name.
        if let Expr::Function { name, .. } = e
            && name.len() > 1
            && is_method(name)
        {
            out.push(name[0].clone());
        }
    });
    out
}

/// Every node of an expression, outermost first.
pub fn walk(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    visit(expr);
    match expr {
        Expr::Function { args, .. } => args.iter().for_each(|a| walk(a, visit)),
        Expr::Method { target, args, .. } => {
            walk(target, visit);
            args.iter().flatten().for_each(|a| walk(a, visit));
        }
        Expr::Static { args, .. } => args.iter().flatten().for_each(|a| walk(a, visit)),
        Expr::Convert { value, style, .. } => {
            walk(value, visit);
            style.iter().for_each(|s| walk(s, visit));
        }
        Expr::AsType { value, culture, .. } => {
            walk(value, visit);
            culture.iter().for_each(|c| walk(c, visit));
        }
        Expr::Case { operand, whens, otherwise } => {
            operand.iter().for_each(|o| walk(o, visit));
            for (when, then) in whens {
                walk(when, visit);
                walk(then, visit);
            }
            otherwise.iter().for_each(|o| walk(o, visit));
        }
        Expr::Unary(_, e) | Expr::Collate(e, _) | Expr::Not(e) | Expr::IsNull(e, _) => walk(e, visit),
        Expr::Arithmetic(_, a, b)
        | Expr::Compare(_, a, b)
        | Expr::And(a, b)
        | Expr::Or(a, b)
        | Expr::AtTimeZone(a, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        Expr::Like { value, pattern, escape, .. } => {
            walk(value, visit);
            walk(pattern, visit);
            escape.iter().for_each(|e| walk(e, visit));
        }
        Expr::Between { value, low, high, .. } => {
            walk(value, visit);
            walk(low, visit);
            walk(high, visit);
        }
        Expr::In { value, list, .. } => {
            walk(value, visit);
            list.iter().for_each(|l| walk(l, visit));
        }
        Expr::Null
        | Expr::Default
        | Expr::Number { .. }
        | Expr::Money { .. }
        | Expr::Text { .. }
        | Expr::Binary(_)
        | Expr::Variable(_)
        | Expr::Column(_)
        | Expr::DatePart(_)
        | Expr::NextValue(_) => {}
    }
}

/// Methods of xml, spatial and hierarchyid columns.
#[rustfmt::skip]
const METHODS: &[&str] = &["value", "query", "exist", "nodes", "modify", "ToString", "GetLevel", "GetAncestor",
    "IsDescendantOf", "GetDescendant", "Lat", "Long", "STAsText", "STX", "STY", "STDistance", "STIsValid", "STArea",
    "STLength", "STGeometryType", "STSrid"];

fn is_method(name: &[String]) -> bool {
    name.last().is_some_and(|n| METHODS.iter().any(|m| n.eq_ignore_ascii_case(m)) || n.starts_with("ST"))
        && !name[0].eq_ignore_ascii_case("dbo")
}

/// How tightly an operator binds, for parentheses: OR, AND, NOT, predicates, then everything scalar.
fn level(expr: &Expr) -> u8 {
    match expr {
        Expr::Or(..) => 0,
        Expr::In { list, not: false, .. } if list.len() > 1 => 0,
        Expr::And(..) => 1,
        Expr::Between { not: false, .. } => 1,
        Expr::Not(_) => 2,
        Expr::Between { .. } | Expr::In { not: true, .. } => 2,
        Expr::Compare(..) | Expr::IsNull(..) | Expr::Like { .. } | Expr::In { .. } => 3,
        _ => 4,
    }
}

fn condition(expr: &Expr, least: u8, out: &mut String) {
    if level(expr) < least {
        out.push('(');
        write(expr, out);
        out.push(')');
    } else {
        write(expr, out);
    }
}

/// An operand of arithmetic, comparison and the like: operators inside are put in parentheses, whatever their rank.
fn operand(expr: &Expr, out: &mut String) {
    if matches!(expr, Expr::Arithmetic(..) | Expr::Unary(..)) || level(expr) < 4 {
        out.push('(');
        write(expr, out);
        out.push(')');
    } else {
        write(expr, out);
    }
}

/// A side of a comparison: arithmetic stands bare there.
fn side(expr: &Expr, out: &mut String) {
    if level(expr) < 4 {
        out.push('(');
        write(expr, out);
        out.push(')');
    } else {
        write(expr, out);
    }
}

fn list(args: &[Expr], out: &mut String) {
    for (n, arg) in args.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        write(arg, out);
    }
}

fn dotted(parts: &[String], out: &mut String) {
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            out.push('.');
        }
        if !part.is_empty() {
            out.push_str(&bracket(part));
        }
    }
}

fn quote(national: bool, text: &str, out: &mut String) {
    if national {
        out.push('N');
    }
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

fn number(text: &str, negative: bool, out: &mut String) {
    out.push('(');
    if negative {
        out.push('-');
    }
    if text.contains(['e', 'E']) {
        out.push_str(&float(text));
    } else if let Some((whole, fraction)) = text.split_once('.') {
        let whole = whole.trim_start_matches('0');
        out.push_str(if whole.is_empty() { "0" } else { whole });
        out.push('.');
        out.push_str(fraction);
    } else {
        let digits = text.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        out.push_str(digits);
        // Assumption: an integer beyond int is a numeric literal and comes back with its point.
        if digits.parse::<i64>().map_or(true, |v| v > i64::from(i32::MAX) + i64::from(negative)) {
            out.push('.');
        }
    }
    out.push(')');
}

/// A float as C's `%.16e` with three digits of exponent.
fn float(text: &str) -> String {
    let text = text.trim_end_matches(['e', 'E', '+', '-']);
    let value: f64 = text.parse().unwrap_or(0.0);
    let plain = format!("{value:.16e}");
    let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:03}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// A type in its normalised form: `[int]`, `[decimal](10,2)`, `[dbo].[T]`.
pub fn type_text(ty: &TypeName) -> String {
    let mut out = String::new();
    match &ty.schema {
        Some(schema) if !schema.eq_ignore_ascii_case("sys") || types::named(&ty.name).is_none() => {
            out.push_str(&bracket(schema));
            out.push('.');
            out.push_str(&bracket(&ty.name));
        }
        _ => match types::named(&ty.name) {
            Some(b) => out.push_str(&bracket(b.name)),
            None => out.push_str(&bracket(&ty.name)),
        },
    }
    match &ty.facets {
        Facets::None => {}
        Facets::One(n) => out.push_str(&format!("({n})")),
        Facets::Two(p, s) => out.push_str(&format!("({p},{s})")),
        Facets::Max => out.push_str("(max)"),
        Facets::Xml { document, collection: (schema, name) } => {
            out.push_str(if *document { "(DOCUMENT " } else { "(CONTENT " });
            if let Some(schema) = schema {
                out.push_str(&bracket(schema));
                out.push('.');
            }
            out.push_str(&bracket(name));
            out.push(')');
        }
    }
    out
}

/// Writes an expression in normalised form.
pub fn write(expr: &Expr, out: &mut String) {
    match expr {
        Expr::Null => out.push_str("NULL"),
        Expr::Default => out.push_str("DEFAULT"),
        Expr::Number { text, negative } => number(text, *negative, out),
        Expr::Money { text, negative } => {
            out.push_str(if *negative { "(-$" } else { "($" });
            out.push_str(text);
            out.push(')');
        }
        Expr::Text { national, text } => quote(*national, text, out),
        Expr::Binary(text) => {
            out.push_str("0x");
            out.push_str(&text[2..].to_ascii_uppercase());
        }
        Expr::Variable(name) => out.push_str(name),
        Expr::Column(parts) => dotted(parts, out),
        Expr::DatePart(part) => out.push_str(part),
        Expr::NextValue(parts) => {
            out.push_str("NEXT VALUE FOR ");
            dotted(parts, out);
        }
        Expr::Function { name, quoted, args, star, distinct } => {
            function(name, *quoted, args, *star, *distinct, out);
        }
        Expr::Method { target, name, args } => {
            operand(target, out);
            out.push('.');
            out.push_str(name);
            if let Some(args) = args {
                out.push('(');
                list(args, out);
                out.push(')');
            }
        }
        Expr::Static { ty, name, args } => {
            out.push_str(&type_text(ty));
            out.push_str("::");
            out.push_str(name);
            if let Some(args) = args {
                out.push('(');
                list(args, out);
                out.push(')');
            }
        }
        Expr::Convert { attempt, ty, value, style } => {
            out.push_str(if *attempt { "TRY_CONVERT(" } else { "CONVERT(" });
            out.push_str(&type_text(ty));
            out.push(',');
            write(value, out);
            if let Some(style) = style {
                out.push(',');
                write(style, out);
            }
            out.push(')');
        }
        Expr::AsType { name, value, ty, culture } => {
            out.push_str(name);
            out.push('(');
            write(value, out);
            out.push_str(" AS ");
            out.push_str(&type_text(ty));
            if let Some(culture) = culture {
                out.push_str(" USING ");
                write(culture, out);
            }
            out.push(')');
        }
        Expr::Case { operand: subject, whens, otherwise } => {
            out.push_str("case");
            if let Some(subject) = subject {
                out.push(' ');
                write(subject, out);
            }
            for (when, then) in whens {
                out.push_str(" when ");
                write(when, out);
                out.push_str(" then ");
                write(then, out);
            }
            if let Some(otherwise) = otherwise {
                out.push_str(" else ");
                write(otherwise, out);
            }
            out.push_str(" end");
        }
        Expr::Unary(sign, value) => {
            out.push_str(sign);
            operand(value, out);
        }
        Expr::Arithmetic(sign, a, b) => {
            operand(a, out);
            out.push_str(sign);
            operand(b, out);
        }
        Expr::Collate(value, collation) => {
            operand(value, out);
            out.push_str(" collate ");
            out.push_str(collation);
        }
        Expr::AtTimeZone(value, zone) => {
            operand(value, out);
            out.push_str(" AT TIME ZONE ");
            operand(zone, out);
        }
        Expr::Compare(sign, a, b) => {
            side(a, out);
            out.push_str(sign);
            side(b, out);
        }
        Expr::And(a, b) => {
            condition(a, 1, out);
            out.push_str(" AND ");
            condition(b, 1, out);
        }
        Expr::Or(a, b) => {
            condition(a, 0, out);
            out.push_str(" OR ");
            condition(b, 0, out);
        }
        Expr::Not(value) => {
            out.push_str("NOT ");
            condition(value, 3, out);
        }
        Expr::IsNull(value, not) => {
            side(value, out);
            out.push_str(if *not { " IS NOT NULL" } else { " IS NULL" });
        }
        Expr::Like { value, pattern, escape, not } => {
            if *not {
                out.push_str("NOT ");
            }
            side(value, out);
            out.push_str(" like ");
            side(pattern, out);
            if let Some(escape) = escape {
                out.push_str(" escape ");
                side(escape, out);
            }
        }
        Expr::Between { value, low, high, not } => {
            if *not {
                out.push_str("NOT (");
            }
            side(value, out);
            out.push_str(">=");
            side(low, out);
            out.push_str(" AND ");
            side(value, out);
            out.push_str("<=");
            side(high, out);
            if *not {
                out.push(')');
            }
        }
        Expr::In { value, list, not } => {
            // The server writes the alternatives from the last to the first.
            if *not {
                out.push_str("NOT (");
            }
            for (n, item) in list.iter().rev().enumerate() {
                if n > 0 {
                    out.push_str(" OR ");
                }
                side(value, out);
                out.push('=');
                side(item, out);
            }
            if *not {
                out.push(')');
            }
        }
    }
}

fn function(name: &[String], quoted: bool, args: &[Expr], star: bool, distinct: bool, out: &mut String) {
    if let [single] = name
        && !quoted
    {
        let lower = single.to_ascii_lowercase();
        match (lower.as_str(), args) {
            ("year" | "month" | "day", [value]) => {
                out.push_str("datepart(");
                out.push_str(&lower);
                out.push(',');
                write(value, out);
                out.push(')');
                return;
            }
            ("iif", [when, then, otherwise]) => {
                let case = Expr::Case {
                    operand: None,
                    whens: vec![(when.clone(), then.clone())],
                    otherwise: Some(Box::new(otherwise.clone())),
                };
                write(&case, out);
                return;
            }
            _ => out.push_str(&lower),
        }
    } else if name.len() > 1 && is_method(name) {
        dotted(&name[..name.len() - 1], out);
        out.push('.');
        out.push_str(&name[name.len() - 1]);
    } else {
        dotted(name, out);
    }
    out.push('(');
    if distinct {
        out.push_str("distinct ");
    }
    if star {
        out.push('*');
    }
    list(args, out);
    out.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        definition(&parse(text, true).unwrap_or_else(|e| panic!("{text}: {e}")))
    }

    #[test]
    fn fact_29_default_texts() {
        for (sent, kept) in [
            ("1", "((1))"),
            ("-1", "((-1))"),
            ("0001", "((1))"),
            ("(((1)))", "((1))"),
            ("1.25", "((1.25))"),
            ("1e2", "((1.0000000000000000e+002))"),
            ("'a''b'", "('a''b')"),
            ("N'a''b'", "(N'a''b')"),
            ("NULL", "(NULL)"),
            ("GETDATE()", "(getdate())"),
            ("NEWID()", "(newid())"),
            ("CAST(1 AS BIGINT)", "(CONVERT([bigint],(1)))"),
            ("CONVERT(INT,'2')", "(CONVERT([int],'2'))"),
            ("0x01", "(0x01)"),
            ("1+2", "((1)+(2))"),
        ] {
            assert_eq!(normal(sent), kept, "{sent}");
        }
    }

    #[test]
    fn facts_30_and_31_checks_filters_and_computed_columns() {
        for (sent, kept) in [
            ("a>0", "([a]>(0))"),
            ("seen IS NOT NULL AND kind > 5", "([seen] IS NOT NULL AND [kind]>(5))"),
            ("a*2", "([a]*(2))"),
            ("a*(b+1)", "([a]*([b]+(1)))"),
            ("COALESCE(b,0)", "(coalesce([b],(0)))"),
            ("CAST(a AS BIGINT)", "(CONVERT([bigint],[a]))"),
            ("ISNULL(b,0)", "(isnull([b],(0)))"),
            ("CASE WHEN a>0 THEN a ELSE 0 END", "(case when [a]>(0) then [a] else (0) end)"),
            ("LOWER(label)", "(lower([label]))"),
            // As real servers' exports have them.
            ("ISNULL([SubTotal] + [TaxAmt] + [Freight], 0)", "(isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))"),
            (
                "ServicePlan IN ('Free','Standard','Premium')",
                "([ServicePlan]='Premium' OR [ServicePlan]='Standard' OR [ServicePlan]='Free')",
            ),
            ("BETWEEN_ BETWEEN 1 AND 10", "([BETWEEN_]>=(1) AND [BETWEEN_]<=(10))"),
            ("a = 1 AND (b = 2 OR c != 3)", "([a]=(1) AND ([b]=(2) OR [c]<>(3)))"),
            ("NOT (a = 1)", "(NOT [a]=(1))"),
            ("NOT (a = 1 OR b = 2)", "(NOT ([a]=(1) OR [b]=(2)))"),
            ("c LIKE N'%a%'", "([c] like N'%a%')"),
            ("DATEDIFF(dd, s, e) <= 30", "(datediff(day,[s],[e])<=(30))"),
            ("NEXT VALUE FOR dbo.Seq", "(NEXT VALUE FOR [dbo].[Seq])"),
            ("dbo.Fn(a)", "([dbo].[Fn]([a]))"),
            ("CONVERT(nvarchar(23), a, 0)", "(CONVERT([nvarchar](23),[a],(0)))"),
            ("x COLLATE Latin1_General_BIN = 'a'", "([x] collate Latin1_General_BIN='a')"),
        ] {
            assert_eq!(normal(sent), kept, "{sent}");
        }
    }

    #[test]
    fn columns_are_found() {
        let expr = parse("a > 0 AND [b c] IN (1, d) AND x.value('(/a)[1]', 'int') = 1", true).unwrap();
        assert_eq!(columns(&expr), ["a", "b c", "d", "x"]);
    }

    #[test]
    fn errors_of_expressions() {
        assert_eq!(parse("id > (SELECT 1)", true).unwrap_err().last().number, 1046);
        assert_eq!(parse("id >", true).unwrap_err().last().number, 102);
        assert_eq!(parse("id > FROM", true).unwrap_err().last().number, 156);
        assert_eq!(parse("1 2", true).unwrap_err().last().number, 102);
    }

    /// Expressions of all shapes, as somebody might write them.
    fn expressions() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[0-9]{1,12}".prop_map(|s| s),
            "[0-9]{1,3}\\.[0-9]{0,3}".prop_map(|s| s),
            "[0-9]e[+-]?[0-9]{1,2}".prop_map(|s| s),
            Just("a".to_string()),
            Just("[b ]]x]".to_string()),
            Just("N'it''s'".to_string()),
            Just("0xAb".to_string()),
            Just("$1.5".to_string()),
            Just("NULL".to_string()),
            Just("getDate()".to_string()),
        ];
        leaf.prop_recursive(5, 40, 3, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                (
                    pair.clone(),
                    prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%"), Just("|"), Just("&")]
                )
                    .prop_map(|((a, b), op)| format!("({a}) {op} ({b})")),
                pair.clone().prop_map(|(a, b)| format!("case when ({a}) > {b} then {a} else {b} end")),
                pair.clone().prop_map(|(a, b)| format!("iif({a} is null or not {b} in ({a}, {b}), {a}, {b})")),
                pair.clone().prop_map(|(a, b)| format!("coalesce({a}, {b})")),
                inner.clone().prop_map(|a| format!("-({a})")),
                inner.clone().prop_map(|a| format!("- {a}")),
                inner.clone().prop_map(|a| format!("~{a}")),
                inner.clone().prop_map(|a| format!("cast({a} as decimal(10, 2))")),
                inner.clone().prop_map(|a| format!("year({a})")),
                pair.prop_map(|(a, b)| format!("case {a} when {b} then 1 end")),
            ]
        })
    }

    proptest! {
        #[test]
        fn fact_30_a_normalised_text_gives_itself_again(text in expressions()) {
            if let Ok(expr) = parse(&text, true) {
                let once = definition(&expr);
                let again = parse(&once, true).map(|e| definition(&e));
                prop_assert_eq!(again.ok(), Some(once), "from {}", text);
            }
        }
    }
}
