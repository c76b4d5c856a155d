//! Name patterns: `{tenant}_{yyyyMMddHHmmss}` with what the braces stand for. One for the files of backups, one for
//! the databases that restores make.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A pattern, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// What a pattern is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Word(Word),
    /// Digits of a moment, UTC, with the signs between them.
    Time(Vec<Part>),
}

/// What braces may stand for besides a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `product` of the configuration.
    Product,
    /// The tenant's name.
    Tenant,
    /// The database's name.
    Database,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Sign(char),
}

const PARTS: [(&str, Part); 6] = [
    ("yyyy", Part::Year),
    ("MM", Part::Month),
    ("dd", Part::Day),
    ("HH", Part::Hour),
    ("mm", Part::Minute),
    ("ss", Part::Second),
];

impl Part {
    fn width(self) -> usize {
        match self {
            Part::Year => 4,
            Part::Sign(c) => c.len_utf8(),
            _ => 2,
        }
    }
}

/// What a name says, read back by the pattern that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The word that the pattern has (a pattern for files has one).
    pub word: Word,
    /// What stands in its place.
    pub text: String,
    /// The moment.
    pub at: Timestamp,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Word(word) => write!(f, "{{{}}}", word.name())?,
                Piece::Time(parts) => {
                    f.write_str("{")?;
                    for part in parts {
                        match part {
                            Part::Sign(c) => write!(f, "{c}")?,
                            part => f.write_str(PARTS.iter().find(|(_, p)| p == part).map_or("", |(name, _)| name))?,
                        }
                    }
                    f.write_str("}")?;
                }
            }
        }
        Ok(())
    }
}

impl Word {
    fn name(self) -> &'static str {
        match self {
            Word::Product => "product",
            Word::Tenant => "tenant",
            Word::Database => "database",
        }
    }
}

/// The extension of a package.
const EXTENSION: &str = ".bacpac";
/// Of a file's name without the tenant: with it and what a backup under way adds, it stays below 255 bytes.
const LONGEST_FIXED: usize = 50;
/// Not allowed in a file name by some system, or with a meaning of its own.
const REFUSED: [char; 10] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|', '%'];

impl Pattern {
    /// `{tenant}_{yyyyMMddHHmmss}`: the files of backups.
    pub fn backup_default() -> Pattern {
        let time = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute, Part::Second];
        Pattern { pieces: vec![Piece::Word(Word::Tenant), Piece::Text("_".into()), Piece::Time(time.into())] }
    }

    /// `{product}_{tenant}_{yyyyMMdd}_restore`: restored databases.
    pub fn restore_default() -> Pattern {
        let text = |text: &str| Piece::Text(text.into());
        Pattern {
            pieces: vec![
                Piece::Word(Word::Product),
                text("_"),
                Piece::Word(Word::Tenant),
                text("_"),
                Piece::Time(vec![Part::Year, Part::Month, Part::Day]),
                text("_restore"),
            ],
        }
    }

    /// A pattern for the files of backups; what is wrong with it otherwise. The ending `.bacpac` may be left out.
    pub fn for_backups(text: &str) -> Result<Pattern, String> {
        let pattern = Self::parse(text.strip_suffix(EXTENSION).unwrap_or(text))?;
        let words: Vec<Word> = pattern.words().collect();
        if words.contains(&Word::Product) {
            return Err("{product} is for restored databases".into());
        }
        if words.len() != 1 {
            // Two names in one could not be told apart again.
            return Err("the name of a backup needs either {tenant} or {database}, once".into());
        }
        let times: Vec<&Vec<Part>> =
            pattern.pieces.iter().filter_map(|p| if let Piece::Time(t) = p { Some(t) } else { None }).collect();
        let [time] = times.as_slice() else {
            return Err("the name of a backup needs one time, such as {yyyyMMddHHmmss}".into());
        };
        if let Some((missing, _)) = PARTS.iter().find(|(_, part)| !time.contains(part)) {
            return Err(format!("the time has no {missing}: backups of one tenant would have the same name"));
        }
        if matches!(pattern.pieces.last(), Some(Piece::Word(_))) {
            return Err("something must follow the name, so that it can be told from a number put behind it".into());
        }
        let texts = pattern.pieces.iter().filter_map(|p| if let Piece::Text(t) = p { Some(t.as_str()) } else { None });
        if let Some(bad) = texts.flat_map(str::chars).find(|c| c.is_control() || REFUSED.contains(c)) {
            return Err(format!("{bad:?} cannot stand in the name of a file everywhere"));
        }
        if let Some(Piece::Text(first)) = pattern.pieces.first()
            && first.starts_with(['.', '-', '~', ' '])
        {
            return Err(
                "a name that begins with a dot, a dash, ~ or a blank is hidden or taken for something else".into()
            );
        }
        let fixed: usize = pattern.pieces.iter().map(Piece::fixed_width).sum();
        if fixed > LONGEST_FIXED {
            return Err(format!("without the tenant it is {fixed} bytes long, and may be {LONGEST_FIXED}"));
        }
        Ok(pattern)
    }

    /// A pattern for restored databases; what is wrong with it otherwise.
    pub fn for_restores(text: &str) -> Result<Pattern, String> {
        let pattern = Self::parse(text)?;
        if !pattern.words().any(|w| w != Word::Product) {
            return Err("the name of a restored database needs {tenant} or {database}".into());
        }
        if text.chars().any(char::is_control) {
            return Err("a control character cannot stand in the name of a database".into());
        }
        if text.encode_utf16().count() > 100 {
            return Err("it is longer than 100 characters".into());
        }
        Ok(pattern)
    }

    fn parse(text: &str) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some(open) = rest.find(['{', '}']) else {
                pieces.push(Piece::Text(rest.to_owned()));
                break;
            };
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let inside = rest[open..].strip_prefix('{').and_then(|r| r.split_once('}'));
            let Some((inside, after)) = inside else {
                return Err("a brace has no partner".into());
            };
            pieces.push(match inside {
                "product" => Piece::Word(Word::Product),
                "tenant" => Piece::Word(Word::Tenant),
                "database" => Piece::Word(Word::Database),
                time => Piece::Time(parts(time).ok_or_else(|| {
                    format!(
                        "{{{time}}} is neither {{tenant}}, {{database}}, {{product}} nor a time such as {{yyyyMMdd}}"
                    )
                })?),
            });
            rest = after;
        }
        Ok(Pattern { pieces })
    }

    fn words(&self) -> impl Iterator<Item = Word> {
        self.pieces.iter().filter_map(|p| if let Piece::Word(word) = p { Some(*word) } else { None })
    }

    /// Whether a name by this pattern tells the tenant.
    pub fn tells_tenant(&self) -> bool {
        self.words().any(|w| w == Word::Tenant)
    }

    /// A name: `word` gives what stands for each word.
    pub fn name(&self, at: Timestamp, mut word: impl FnMut(Word) -> String) -> String {
        let at = at.to_zoned(TimeZone::UTC).datetime();
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Word(w) => out.push_str(&word(*w)),
                Piece::Time(parts) => parts.iter().for_each(|part| out.push_str(&part.text(at))),
            }
        }
        out
    }

    /// The name of a restored database, of at most `longest` UTF-16 units: names too long for the whole are cut.
    pub fn database_name(&self, at: Timestamp, product: &str, tenant: &str, database: &str, longest: usize) -> String {
        let mut given = [product, tenant, database].map(|text| text.replace(char::is_control, ""));
        loop {
            let name = self.name(at, |word| given[word as usize].clone());
            // An empty product leaves its sign behind.
            let name = if product.is_empty() { name.trim_start_matches(['_', '-', '.', ' ']) } else { &name };
            if name.encode_utf16().count() <= longest {
                return name.to_owned();
            }
            // The tenant is cut before the product: the product says whose databases these are.
            let [product, tenant, database] = &mut given;
            let longer = if tenant.len() >= database.len() { tenant } else { database };
            if longer.pop().is_none() && product.pop().is_none() {
                return name.chars().take(longest / 2).collect();
            }
        }
    }

    /// What a name (without `.bacpac`) says. None if this pattern did not make it.
    pub fn read(&self, name: &str) -> Option<Said> {
        let at = self.pieces.iter().position(|p| matches!(p, Piece::Word(_)))?;
        let Piece::Word(word) = self.pieces[at] else { return None };
        let mut moment = Moment::default();
        let mut rest = name;
        for piece in &self.pieces[..at] {
            let width = piece.fixed_width();
            moment.take(piece, rest.get(..width)?)?;
            rest = &rest[width..];
        }
        for piece in self.pieces[at + 1..].iter().rev() {
            let cut = rest.len().checked_sub(piece.fixed_width())?;
            moment.take(piece, rest.get(cut..)?)?;
            rest = &rest[..cut];
        }
        let at = moment.at()?;
        (!rest.is_empty()).then(|| Said { word, text: rest.to_owned(), at })
    }
}

impl Piece {
    fn fixed_width(&self) -> usize {
        match self {
            Piece::Text(text) => text.len(),
            Piece::Word(_) => 0,
            Piece::Time(parts) => parts.iter().map(|p| p.width()).sum(),
        }
    }
}

impl Part {
    fn text(self, at: DateTime) -> String {
        match self {
            Part::Year => format!("{:04}", at.year()),
            Part::Month => format!("{:02}", at.month()),
            Part::Day => format!("{:02}", at.day()),
            Part::Hour => format!("{:02}", at.hour()),
            Part::Minute => format!("{:02}", at.minute()),
            Part::Second => format!("{:02}", at.second()),
            Part::Sign(c) => c.to_string(),
        }
    }
}

/// The parts of a time; none if there is a letter that means nothing. Each digit group at most once.
fn parts(text: &str) -> Option<Vec<Part>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let known = PARTS.iter().find(|(name, part)| rest.starts_with(name) && !out.contains(part));
        let (part, width) = match known {
            Some((name, part)) => (*part, name.len()),
            None if matches!(c, '-' | '_' | '.' | ' ' | 'T') => (Part::Sign(c), 1),
            None => return None,
        };
        out.push(part);
        rest = &rest[width..];
    }
    out.iter().any(|p| !matches!(p, Part::Sign(_))).then_some(out)
}

/// A moment being read.
#[derive(Default)]
struct Moment {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
}

impl Moment {
    fn take(&mut self, piece: &Piece, text: &str) -> Option<()> {
        match piece {
            Piece::Text(wanted) => (wanted == text).then_some(()),
            Piece::Word(_) => None,
            Piece::Time(parts) => {
                let mut at = 0;
                for part in parts {
                    let digits = text.get(at..at + part.width())?;
                    at += part.width();
                    if let Part::Sign(c) = part {
                        if !digits.starts_with(*c) {
                            return None;
                        }
                        continue;
                    }
                    if !digits.bytes().all(|b| b.is_ascii_digit()) {
                        return None;
                    }
                    match part {
                        Part::Year => self.year = digits.parse().ok()?,
                        Part::Month => self.month = digits.parse().ok()?,
                        Part::Day => self.day = digits.parse().ok()?,
                        Part::Hour => self.hour = digits.parse().ok()?,
                        Part::Minute => self.minute = digits.parse().ok()?,
                        Part::Second => self.second = digits.parse().ok()?,
                        Part::Sign(_) => {}
                    }
                }
                Some(())
            }
        }
    }

    fn at(&self) -> Option<Timestamp> {
        let at = DateTime::new(self.year, self.month, self.day, self.hour, self.minute, self.second, 0).ok()?;
        Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-02-03T04:05:06Z".parse().unwrap()
    }

    #[test]
    fn patterns_make_names_and_read_them_back() {
        for (pattern, name) in [
            ("{tenant}_{yyyyMMddHHmmss}.bacpac", "a-b_20260203040506"),
            ("{database}-{yyyy-MM-dd-HH.mm.ss}", "a-b-2026-02-03-04.05.06"),
            ("{yyyyMMddTHHmmss} {tenant} nightly", "20260203T040506 a-b nightly"),
        ] {
            let parsed = Pattern::for_backups(pattern).unwrap();
            assert_eq!(parsed.name(at(), |_| "a-b".into()), name);
            let said = parsed.read(name).unwrap();
            assert_eq!((said.text.as_str(), said.at), ("a-b", at()));
            assert_eq!(parsed.to_string(), pattern.trim_end_matches(".bacpac"));
            for bad in ["", "x", "a_2026020304050x", "_20260203040506", "a-2026-13-03-04.05.06", "éa20260203"] {
                assert_eq!(parsed.read(bad), None, "{pattern} {bad}");
            }
        }
        assert_eq!(Pattern::for_backups("{tenant}_{yyyyMMddHHmmss}").unwrap(), Pattern::backup_default());
        let restore = Pattern::for_restores("{product}_{tenant}_{yyyyMMdd}_restore").unwrap();
        assert_eq!(restore, Pattern::restore_default());
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        for (pattern, why) in [
            ("backup_{yyyyMMddHHmmss}", "needs either {tenant} or {database}"),
            ("{tenant}{database}_{yyyyMMddHHmmss}", "needs either {tenant} or {database}"),
            ("{tenant}_{yyyyMMdd}", "has no HH"),
            ("{tenant}", "needs one time"),
            ("{yyyyMMddHHmmss}_{tenant}", "something must follow"),
            ("{tenant}/{yyyyMMddHHmmss}", "'/' cannot stand"),
            (".{tenant}_{yyyyMMddHHmmss}", "begins with a dot"),
            ("{tenant}_{yyyyMMddHHmmss", "no partner"),
            ("{tenant}}_{yyyyMMddHHmmss}", "no partner"),
            ("{tenent}_{yyyyMMddHHmmss}", "{tenent} is neither"),
            ("{product}_{tenant}_{yyyyMMddHHmmss}", "{product} is for restored"),
            ("{tenant}_{}_{yyyyMMddHHmmss}", "{} is neither"),
        ] {
            let error = Pattern::for_backups(pattern).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
        assert!(Pattern::for_backups(&format!("{{tenant}}{}{{yyyyMMddHHmmss}}", "x".repeat(60))).is_err());
        assert!(Pattern::for_restores("restored").unwrap_err().contains("{tenant}"));
    }

    #[test]
    fn names_of_databases_fit() {
        let name =
            |product: &str, tenant: &str| Pattern::restore_default().database_name(at(), product, tenant, "db", 128);
        assert_eq!(name("shop", "acme"), "shop_acme_20260203_restore");
        assert_eq!(name("", "acme"), "acme_20260203_restore");
        let long = name("shop", &"ä𝄞".repeat(100));
        assert!(long.encode_utf16().count() <= 128 && long.ends_with("_20260203_restore"), "{long}");
        assert_eq!(name("shop", "a\u{7}b"), "shop_ab_20260203_restore");
        let long = name(&"p".repeat(300), "t");
        assert!(long.encode_utf16().count() <= 128 && long.ends_with("_20260203_restore"), "{long}");
    }
}
