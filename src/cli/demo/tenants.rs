//! The demo's five tenants: their servers, schemas, rows and pasts.

use jiff::SignedDuration;

use super::history::Past;
use super::rows::{self, Load};
use crate::engine::command::Trigger;

/// The servers' names.
pub const SERVERS: [&str; 2] = ["north", "south"];

/// The tenant with the many rows.
pub const LARGE: &str = "cornflower";

/// The tenant whose database the login may not open.
pub const FORBIDDEN: &str = "lawfirm";

/// A tenant as it is seeded.
pub struct Seed {
    /// The tenant's name, which is its database's, too.
    pub name: &'static str,
    /// Index in [`SERVERS`].
    pub server: usize,
    /// Its group.
    pub group: &'static str,
    /// Its schema.
    pub script: &'static str,
    /// Its rows.
    pub rows: fn(u64) -> Vec<Load>,
    /// How many.
    pub count: u64,
    /// Whether the login pacrat owns it.
    pub open: bool,
}

/// A name that needs quoting everywhere it goes.
pub const QUOTED: &str = "O'Brien & Söhne ]x[ \"päckchen\"";

/// The tenants; the one with the many rows has so many.
pub fn seeds(large: u64) -> [Seed; 5] {
    [
        Seed {
            name: LARGE,
            server: 0,
            group: "retail",
            script: include_str!("../../../assets/demo/cornflower.sql"),
            rows: rows::cornflower,
            count: large,
            open: true,
        },
        Seed {
            name: "lighthouse",
            server: 0,
            group: "museums",
            script: include_str!("../../../assets/demo/lighthouse.sql"),
            rows: rows::lighthouse,
            count: 140,
            open: true,
        },
        Seed { name: "newcomer", server: 1, group: "retail", script: "", rows: |_| Vec::new(), count: 0, open: true },
        Seed {
            name: QUOTED,
            server: 1,
            group: "logistics",
            script: include_str!("../../../assets/demo/parcels.sql"),
            rows: rows::parcels,
            count: 3_000,
            open: true,
        },
        Seed {
            name: FORBIDDEN,
            server: 1,
            group: "services",
            script: include_str!("../../../assets/demo/lawfirm.sql"),
            rows: |_| rows::lawfirm(),
            count: 0,
            open: false,
        },
    ]
}

/// The backups of earlier days; the largest tenant had a little less than `large` lines then.
pub fn pasts(large: u64) -> Vec<Past> {
    const CORNFLOWER: &[u8] = include_bytes!("../../../assets/demo/cornflower.model.xml");
    const LIGHTHOUSE: &[u8] = include_bytes!("../../../assets/demo/lighthouse.model.xml");
    const PARCELS: &[u8] = include_bytes!("../../../assets/demo/parcels.model.xml");
    const LAWFIRM: &[u8] = include_bytes!("../../../assets/demo/lawfirm.model.xml");
    let night = |tenant, server, model, rows, count, hours| Past {
        tenant,
        server,
        model,
        rows,
        count,
        age: SignedDuration::from_hours(hours),
        trigger: Trigger::Automatic,
        comment: None,
    };
    let by_hand = |past: Past, comment| Past { trigger: Trigger::Manual, comment: Some(comment), ..past };
    let [north, south] = SERVERS;
    // About 1,600 lines a day.
    let then = |days: u64| large - (large / 125) * days;
    vec![
        night(LARGE, north, CORNFLOWER, rows::cornflower, then(1), 9),
        by_hand(night(LARGE, north, CORNFLOWER, rows::cornflower, then(1), 17), "before the new prices"),
        night(LARGE, north, CORNFLOWER, rows::cornflower, then(2), 33),
        night(LARGE, north, CORNFLOWER, rows::cornflower, then(3), 57),
        night("lighthouse", north, LIGHTHOUSE, rows::lighthouse, 140, 32),
        night("lighthouse", north, LIGHTHOUSE, rows::lighthouse, 138, 200),
        night(QUOTED, south, PARCELS, rows::parcels, 2_950, 10),
        night(QUOTED, south, PARCELS, rows::parcels, 2_900, 34),
        // From before the login lost its user in that database.
        night(FORBIDDEN, south, LAWFIRM, |_| rows::lawfirm(), 0, 9 * 24),
    ]
}
