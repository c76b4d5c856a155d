//! The declarations that typed kinds are written in: a struct, how it is taken out of an element and put back, from one
//! list of fields with the names that their properties and relationships have in model.xml.

/// Declares a typed kind of element: its struct, and how it is taken out of an element and put back.
macro_rules! kind {
    ($(#[$meta:meta])* $type:ident = $element:literal {
        $( $(#[$about:meta])* $field:ident : $kind:ty = $property:literal ),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type {
            /// The name.
            pub name: $crate::bacpac::model::Name,
            $( $(#[$about])* pub $field: $kind, )*
            /// What no field holds.
            pub rest: $crate::bacpac::model::Rest,
        }

        impl $type {
            /// The element's type in model.xml.
            pub const ELEMENT: &'static str = $element;
        }

        impl Default for $type {
            fn default() -> Self {
                let mut from = $crate::bacpac::model::Taker::new(&$crate::bacpac::model::Element::new($element, None));
                let _ = &mut from;
                $type {
                    name: Default::default(),
                    $( $field: $crate::bacpac::model::absent(&mut from, $property), )*
                    rest: Default::default(),
                }
            }
        }

        impl $crate::bacpac::model::Kind for $type {
            fn from_element(
                element: &$crate::bacpac::model::Element,
            ) -> Result<Self, $crate::bacpac::model::ShapeError> {
                let mut from = $crate::bacpac::model::Taker::new(element);
                if from.kind() != $element {
                    return Err(from.wrong(concat!("is not a ", $element)));
                }
                Ok($type {
                    name: from.name()?,
                    $( $field: $crate::bacpac::model::Field::take(&mut from, $property)?, )*
                    rest: from.rest(),
                })
            }

            fn to_element(&self) -> $crate::bacpac::model::Element {
                let mut into = $crate::bacpac::model::Putter::new($element, &self.name, &self.rest);
                let _ = &mut into;
                $( $crate::bacpac::model::Field::put(&self.$field, $property, &mut into); )*
                into.finish()
            }
        }
    };
    // A kind that several element types share; `form` says which one it is.
    ($(#[$meta:meta])* $type:ident = form $form:ident {
        $( $(#[$about:meta])* $field:ident : $kind:ty = $property:literal ),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type {
            /// Which of the element types it is.
            pub form: $form,
            /// The name.
            pub name: $crate::bacpac::model::Name,
            $( $(#[$about])* pub $field: $kind, )*
            /// What no field holds.
            pub rest: $crate::bacpac::model::Rest,
        }

        impl Default for $type {
            fn default() -> Self {
                $type::of($form::default())
            }
        }

        impl $type {
            /// An empty one of this form, every field at its default.
            pub fn of(form: $form) -> Self {
                let element = $crate::bacpac::model::Element::new(form.element_type(), None);
                let mut from = $crate::bacpac::model::Taker::new(&element);
                $type {
                    form,
                    name: Default::default(),
                    $( $field: $crate::bacpac::model::absent(&mut from, $property), )*
                    rest: Default::default(),
                }
            }
        }

        impl $crate::bacpac::model::Kind for $type {
            fn from_element(
                element: &$crate::bacpac::model::Element,
            ) -> Result<Self, $crate::bacpac::model::ShapeError> {
                let mut from = $crate::bacpac::model::Taker::new(element);
                let Some(form) = $form::from_element_type(from.kind()) else {
                    return Err(from.wrong("has a type that can't stand here"));
                };
                Ok($type {
                    form,
                    name: from.name()?,
                    $( $field: $crate::bacpac::model::Field::take(&mut from, $property)?, )*
                    rest: from.rest(),
                })
            }

            fn to_element(&self) -> $crate::bacpac::model::Element {
                let mut into =
                    $crate::bacpac::model::Putter::new(self.form.element_type(), &self.name, &self.rest);
                $( $crate::bacpac::model::Field::put(&self.$field, $property, &mut into); )*
                into.finish()
            }
        }
    };
}

/// Declares the forms of a kind: a variant for each element type; the first is the default.
macro_rules! forms {
    ($(#[$meta:meta])* $type:ident { $first:ident = $first_element:literal $(, $variant:ident = $element:literal)* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[expect(missing_docs, reason = "the variants are named after the element types")]
        pub enum $type { #[default] $first, $($variant,)* }

        impl $type {
            /// The form that an element type stands for.
            pub fn from_element_type(text: &str) -> Option<Self> {
                match text {
                    $first_element => Some($type::$first),
                    $( $element => Some($type::$variant), )*
                    _ => None,
                }
            }

            /// The element type of this form.
            pub fn element_type(self) -> &'static str {
                match self {
                    $type::$first => $first_element,
                    $( $type::$variant => $element, )*
                }
            }
        }
    };
}

/// Declares an enumeration that stands as a number in a property. A number without a name is kept.
macro_rules! numbered {
    ($(#[$meta:meta])* $type:ident { $( $(#[$about:meta])* $variant:ident = $number:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $( $(#[$about])* $variant, )*
            /// A number this version has no name for.
            Other(i64),
        }

        impl $type {
            /// The one with this number.
            pub fn from_number(number: i64) -> Self {
                match number { $( $number => $type::$variant, )* other => $type::Other(other) }
            }

            /// Its number.
            pub fn number(self) -> i64 {
                match self { $( $type::$variant => $number, )* $type::Other(other) => other }
            }
        }

        impl $crate::bacpac::model::Field for $type {
            fn take(
                from: &mut $crate::bacpac::model::Taker,
                name: &'static str,
            ) -> Result<Self, $crate::bacpac::model::ShapeError> {
                let default = $crate::bacpac::model::vocabulary::default_of(from.kind(), name);
                let default = default.and_then(|d| d.parse().ok()).unwrap_or(0);
                let number = <Option<i64> as $crate::bacpac::model::Field>::take(from, name)?;
                Ok($type::from_number(number.unwrap_or(default)))
            }

            fn put(&self, name: &'static str, into: &mut $crate::bacpac::model::Putter) {
                into.number(name, self.number());
            }
        }
    };
}

pub(crate) use {forms, kind, numbered};
