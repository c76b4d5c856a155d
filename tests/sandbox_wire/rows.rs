//! Rows in every mix of types, in both directions: what was loaded is answered, and the answer loads again as the same.

use pacrat::sandbox::rowform::RowForm;
use pacrat::sandbox::value::{Base, SqlType, Value};
use pacrat::sandbox::wire::types;
use proptest::prelude::*;

use super::client::{Client, PASSWORD, done, utf16};
use super::engine::every_type;
use super::facts::Running;

/// Columns (index of the type, nullable) and rows (which cells are NULL).
fn tables() -> impl Strategy<Value = (Vec<(usize, bool)>, Vec<Vec<bool>>)> {
    prop::collection::vec((0..every_type().len(), any::<bool>()), 1..20).prop_flat_map(|columns| {
        let width = columns.len();
        (Just(columns), prop::collection::vec(prop::collection::vec(any::<bool>(), width), 0..12))
    })
}

/// Types whose metadata reads the same in both directions.
fn both_ways(ty: &SqlType) -> bool {
    !matches!(ty.base, Base::Text | Base::NText | Base::Image | Base::HierarchyId)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_was_loaded_is_answered_and_loads_again((columns, rows) in tables(), size in prop::sample::select(vec![512u32, 4096, 32767])) {
        let all = every_type();
        let columns: Vec<_> = columns.into_iter().filter(|(index, _)| both_ways(&all[*index].1)).collect();
        prop_assume!(!columns.is_empty());
        let form = RowForm::new(columns.iter().map(|(index, _)| &all[*index].1));
        let mut stream = vec![0x81];
        stream.extend_from_slice(&(columns.len() as u16).to_le_bytes());
        for (index, nullable) in &columns {
            stream.extend_from_slice(&[0, 0, 0, 0, 8 | u8::from(*nullable), 0]);
            types::write(&all[*index].1, false, &mut stream);
            stream.push(1);
            stream.extend_from_slice(&utf16("c"));
        }
        let mut expected = Vec::new();
        for row in &rows {
            let values: Vec<Value> = columns
                .iter()
                .zip(row)
                .map(|((index, nullable), null)| if *null && *nullable { Value::Null } else { all[*index].2.clone() })
                .collect();
            stream.push(0xD1);
            form.encode(&values, &mut stream).unwrap();
            expected.push(values);
        }
        stream.extend_from_slice(&[0xFD; 1]);
        stream.extend_from_slice(&[0; 12]);

        let running = Running::start();
        let mut client = Client::connect(running.address());
        client.log_in("sa", PASSWORD, "", size, None);
        let mut load = |stream: &[u8]| {
            client.batch("insert bulk t (…)");
            client.send(7, stream);
            let answer = client.receive().unwrap().1;
            assert_eq!(answer, done(0xFD, 0x10, 240, rows.len() as u64));
            client.batch("SELECT bulk")
        };
        let answer = load(&stream);
        prop_assert_eq!(running.seen(|seen| seen.bulk.clone()), expected.clone());
        // The answer's metadata and rows, with fixed types and NBCROW among them, are a stream too.
        let tail = answer.len() - 13;
        let again = [&answer[..tail], &[0xFD], &[0; 12]].concat();
        let second = load(&again);
        prop_assert_eq!(running.seen(|seen| seen.bulk.clone()), expected);
        prop_assert_eq!(answer, second);
    }
}
