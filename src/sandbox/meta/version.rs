//! The versions the server can present: what it says of itself and which catalogue columns it has.

use serde::{Deserialize, Serialize};

/// A version to present. Ordered by age; Azure stands last: it has what the newest box has, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Product {
    Sql2012,
    Sql2014,
    Sql2016,
    Sql2017,
    Sql2019,
    Sql2022,
    Sql2025,
    Azure,
}

impl Product {
    /// `2012` … `2025` or `azure`.
    pub fn parse(text: &str) -> Option<Product> {
        Some(match text.to_ascii_lowercase().as_str() {
            "2012" => Product::Sql2012,
            "2014" => Product::Sql2014,
            "2016" => Product::Sql2016,
            "2017" => Product::Sql2017,
            "2019" => Product::Sql2019,
            "2022" => Product::Sql2022,
            "2025" => Product::Sql2025,
            "azure" => Product::Azure,
            _ => return None,
        })
    }

    /// The word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Product::Sql2012 => "2012",
            Product::Sql2014 => "2014",
            Product::Sql2016 => "2016",
            Product::Sql2017 => "2017",
            Product::Sql2019 => "2019",
            Product::Sql2022 => "2022",
            Product::Sql2025 => "2025",
            Product::Azure => "azure",
        }
    }

    /// The year of release, as the catalogue columns' "since" counts; Azure has everything.
    pub fn year(self) -> u16 {
        match self {
            Product::Sql2012 => 2012,
            Product::Sql2014 => 2014,
            Product::Sql2016 => 2016,
            Product::Sql2017 => 2017,
            Product::Sql2019 => 2019,
            Product::Sql2022 => 2022,
            Product::Sql2025 | Product::Azure => 2025,
        }
    }

    /// Azure SQL Database.
    pub fn is_azure(self) -> bool {
        self == Product::Azure
    }

    /// `SERVERPROPERTY('ProductVersion')`. 2016 and later as seen on real servers.
    // Assumption: the 2012 and 2014 builds are those of the first releases.
    pub fn product_version(self) -> &'static str {
        match self {
            Product::Sql2012 => "11.0.2100.60",
            Product::Sql2014 => "12.0.2000.8",
            Product::Sql2016 => "13.0.4001.0",
            Product::Sql2017 => "14.0.2027.2",
            Product::Sql2019 => "15.0.2000.5",
            Product::Sql2022 => "16.0.4236.2",
            Product::Sql2025 => "17.0.4065.4",
            Product::Azure => "12.0.2000.8",
        }
    }

    /// Major, minor, build: for LOGINACK and PRELOGIN.
    pub fn numbers(self) -> (u8, u8, u16) {
        let mut parts = self.product_version().split('.').map(|p| p.parse::<u16>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        (next() as u8, next() as u8, next())
    }

    /// `SERVERPROPERTY('ProductLevel')`.
    pub fn level(self) -> &'static str {
        match self {
            Product::Sql2016 => "SP1",
            _ => "RTM",
        }
    }

    /// `SERVERPROPERTY('Edition')`.
    pub fn edition(self) -> &'static str {
        if self.is_azure() { "SQL Azure" } else { "Developer Edition (64-bit)" }
    }

    /// `SERVERPROPERTY('EditionID')`.
    pub fn edition_id(self) -> i64 {
        if self.is_azure() { 1674378470 } else { -2117995310 }
    }

    /// `SERVERPROPERTY('EngineEdition')`: 3 Enterprise (Developer too), 5 Azure SQL Database.
    pub fn engine_edition(self) -> i32 {
        if self.is_azure() { 5 } else { 3 }
    }

    /// The highest compatibility level, which new databases get.
    pub fn compatibility_level(self) -> u8 {
        match self {
            Product::Sql2012 => 110,
            Product::Sql2014 => 120,
            Product::Sql2016 => 130,
            Product::Sql2017 => 140,
            Product::Sql2019 => 150,
            Product::Sql2022 => 160,
            Product::Sql2025 | Product::Azure => 170,
        }
    }

    /// The text of `@@VERSION`, in the shape real servers give it.
    pub fn banner(self) -> String {
        if self.is_azure() {
            return "Microsoft SQL Azure (RTM) - 12.0.2000.8 \n\tFeb 23 2022 11:32:53 \n\tCopyright (C) 2021 Microsoft Corporation\n"
                .to_string();
        }
        let (year, level, built) = match self {
            Product::Sql2012 => ("2012", "RTM", "Feb 10 2012 19:39:15"),
            Product::Sql2014 => ("2014", "RTM", "Feb 20 2014 20:04:26"),
            Product::Sql2016 => ("2016", "SP1", "Oct 28 2016 18:17:30"),
            Product::Sql2017 => ("2017", "RTM-GDR", "Jun 15 2019 00:26:19"),
            Product::Sql2019 => ("2019", "RTM", "Sep 24 2019 13:48:23"),
            Product::Sql2022 => ("2022", "RTM", "Oct  8 2022 05:58:25"),
            Product::Sql2025 | Product::Azure => ("2025", "RTM", "Oct 21 2025 12:05:57"),
        };
        format!(
            "Microsoft SQL Server {year} ({level}) - {version} (X64) \n\t{built} \n\tCopyright (C) Microsoft Corporation\n\t\
             Developer Edition (64-bit) on Linux (pacrat sandbox: for trying and testing, not for keeping data) <X64>\n",
            version = self.product_version()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_parses_back_and_tells_its_numbers() {
        for word in ["2012", "2014", "2016", "2017", "2019", "2022", "2025", "azure"] {
            let product = Product::parse(word).unwrap();
            assert_eq!(product.word(), word);
            assert!(product.banner().contains(product.product_version()), "{word}");
            assert_eq!(product.numbers().0.to_string(), product.product_version().split('.').next().unwrap());
        }
        assert!(Product::parse("2008").is_none());
        assert_eq!(Product::Sql2019.numbers(), (15, 0, 2000));
    }
}
