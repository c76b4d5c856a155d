//! The script of some objects of a model: what each object becomes on its own, and one object with what belongs to it.

use super::{Batch, Form, Lookup, Maker, NotCarried, Script, order};
use crate::bacpac::model::{Model, Name, Object, Reference};
use std::collections::HashSet;

/// What one object becomes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// Its batches. None where it is written with another object (a column's default inside its table's statement).
    pub batches: Vec<Batch>,
    /// What they do not carry.
    pub not_carried: Vec<NotCarried>,
}

/// What each object of a model becomes, in the model's order.
pub fn pieces(model: &Model, form: Form) -> Vec<Piece> {
    let lookup = Lookup::of(model);
    let platform = &model.header.dsp_name;
    let mut maker = Maker { form, platform, lookup: &lookup, batches: Vec::new(), not_carried: Vec::new() };
    let mut piece = |object| {
        maker.object(object);
        Piece { batches: std::mem::take(&mut maker.batches), not_carried: std::mem::take(&mut maker.not_carried) }
    };
    model.objects.iter().map(&mut piece).collect()
}

/// The script of the objects of one name with what belongs to them: a table's keys, indexes, constraints, triggers,
/// properties and permissions.
pub fn script_of(model: &Model, form: Form, name: &Name) -> Script {
    let mut wanted: HashSet<Name> = HashSet::from([name.clone()]);
    // Keys, indexes and triggers of the object, then what hangs on those.
    for object in &model.objects {
        if object.table().is_some_and(|table| table == name) && !object.name().is_empty() {
            wanted.insert(object.name());
        }
    }
    let mut script = Script::default();
    for (object, piece) in model.objects.iter().zip(pieces(model, form)) {
        let hangs_on = |reference: &Option<Reference>| {
            let host = reference.as_ref().map(Reference::parsed).unwrap_or_default();
            !host.is_empty() && (wanted.contains(&host) || wanted.contains(&host.owner()))
        };
        let picked = match object {
            Object::ExtendedProperty(property) => property.name == *name || hangs_on(&property.host),
            Object::Permission(permission) => permission.name == *name || hangs_on(&permission.securable),
            _ => wanted.contains(&object.name()) || object.table().is_some_and(|table| table == name),
        };
        if picked {
            script.batches.extend(piece.batches);
            script.not_carried.extend(piece.not_carried);
        }
    }
    script.batches = order::order(script.batches);
    script
}
