//! Whose things are restored: users as in the file, none, or mapped to logins, and what belonged to them.

use std::collections::HashSet;

use super::{Choice, ChoiceError, Users};
use crate::bacpac::model::*;
use crate::bacpac::script::NotCarried;
use crate::bacpac::script::left::kind_words;

/// Users, their memberships and what is theirs, in `model`, which is what was chosen so far of `all`.
pub(super) fn users(
    model: &mut Model,
    all: &Model,
    choice: &Choice,
    left: &mut Vec<NotCarried>,
    notes: &mut Vec<String>,
) -> Result<(), ChoiceError> {
    if !choice.user_settings {
        for object in &mut model.objects {
            if let Object::User(user) = object {
                (user.default_schema, user.default_language) = (None, None);
            }
        }
    }
    match &choice.users {
        Users::AsInFile => {}
        Users::Map(map) | Users::MapPresent(map) => {
            for (from, to) in map {
                let user = model.objects.iter_mut().find_map(|o| match o {
                    Object::User(user) if user.name.last() == from => Some(user),
                    _ => None,
                });
                let Some(user) = user else {
                    let known = |o: &Object| matches!(o, Object::User(user) if user.name.last() == from);
                    notes.push(match (&choice.users, all.objects.iter().any(known)) {
                        // It is in the package, and nothing of what was chosen is about it.
                        (_, true) => format!("user {from} is not restored with these tables, and gets no login"),
                        (Users::Map(_), false) => return Err(ChoiceError::NoUser(from.clone())),
                        _ => format!("the package has no user {from}, whom the configuration gives a login"),
                    });
                    continue;
                };
                let settings = (user.default_schema.take(), user.default_language.take());
                *user = User {
                    name: user.name.clone(),
                    login_text: Some(Script::new(quote(to))),
                    authentication: Authentication::Instance,
                    default_schema: settings.0,
                    default_language: settings.1,
                    ..User::default()
                };
            }
        }
        Users::None => {
            let gone: HashSet<Name> = model
                .objects
                .iter()
                .filter(|o| matches!(o, Object::User(_) | Object::Login(_)))
                .map(Object::name)
                .collect();
            let is_gone = |r: &Option<Reference>| r.as_ref().is_some_and(|r| gone.contains(&r.parsed()));
            model.objects.retain(|object| {
                let stays = match object {
                    Object::User(_) | Object::Login(_) => false,
                    Object::RoleMembership(m) => !is_gone(&m.member),
                    Object::Permission(p) => !is_gone(&p.grantee) && !is_gone(&p.grantor) && !is_gone(&p.securable),
                    Object::ExtendedProperty(p) => p.name.schema() != "SqlUser",
                    _ => return true,
                };
                if !stays && !matches!(object, Object::Login(_)) {
                    let element = object.to_element();
                    left.push(NotCarried {
                        kind: kind_words(&element.kind),
                        name: element.name.unwrap_or_default(),
                        property: String::new(),
                        value: String::new(),
                        reason: "no users are restored, as asked".into(),
                    });
                }
                stays
            });
            // What belonged to them belongs to dbo.
            for object in &mut model.objects {
                disown(object, |owner| gone.contains(owner))?;
            }
        }
    }
    Ok(())
}

/// Takes the owner away from an object, where it is one of those meant: then it is dbo's.
pub(super) fn disown(object: &mut Object, meant: impl Fn(&Name) -> bool) -> Result<(), ShapeError> {
    let element = object.to_element();
    let owned = element.references("Authorizer").any(|r| meant(&r.parsed()));
    if !owned {
        return Ok(());
    }
    let mut element = element;
    element.nodes.retain(|n| !matches!(n, Node::Relationship(r) if r.name == "Authorizer"));
    *object = Object::from_element(&element)?;
    Ok(())
}
