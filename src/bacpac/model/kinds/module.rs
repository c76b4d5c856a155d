//! Views, procedures, functions, triggers: objects whose definition is T-SQL text.

use super::column::{Column, TypeSpec};
use crate::bacpac::model::declare::{forms, kind, numbered};
use crate::bacpac::model::{Annotation, Element, Entries, Kind, Name, Node, Reference, Rest, Script, ShapeError};

/// An element that is kept as it is where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnyElement(pub Element);

impl Kind for AnyElement {
    fn from_element(element: &Element) -> Result<Self, ShapeError> {
        Ok(AnyElement(element.clone()))
    }

    fn to_element(&self) -> Element {
        self.0.clone()
    }
}

kind! {
    /// A parameter of a procedure or function.
    Parameter = "SqlSubroutineParameter" {
        /// It gives a value back.
        output: bool = "IsOutput",
        /// What it is when it is not given.
        default: Option<Script> = "DefaultExpressionScript",
        /// A cursor.
        varying: bool = "IsVarying",
        /// A table that can't be changed.
        read_only: bool = "IsReadOnly",
        /// It takes NULL (natively compiled modules).
        nullable: bool = "IsNullable",
        /// Its type.
        data_type: Option<TypeSpec> = "Type",
    }
}

kind! {
    /// A view.
    View = "SqlView" {
        /// Its text is hidden.
        encrypted: bool = "IsEncrypted",
        /// What it uses can't be changed.
        schema_bound: bool = "IsSchemaBound",
        /// Clients see the view's own metadata (`VIEW_METADATA`).
        view_metadata: bool = "IsMetadataReported",
        /// The text after `AS`.
        body: Option<Script> = "QueryScript",
        /// `WITH CHECK OPTION`.
        check_option: bool = "IsWithCheckOption",
        /// The columns are named in the header.
        columns_named: bool = "IsColumnExplicitlyDefined",
        /// ANSI_NULLS when it was made.
        ansi_nulls: bool = "IsAnsiNullsOn",
        /// QUOTED_IDENTIFIER when it was made.
        quoted_identifier: bool = "IsQuotedIdentifierOn",
        /// It is published.
        replicated: bool = "IsReplicated",
        /// Its columns.
        columns: Vec<Column> = "Columns",
        /// Tables that its text makes up.
        dynamic: Vec<AnyElement> = "DynamicObjects",
        /// What it uses.
        dependencies: Entries = "QueryDependencies",
    }
}

kind! {
    /// A procedure.
    Procedure = "SqlProcedure" {
        /// `WITH RECOMPILE`.
        recompiled: bool = "IsRecompiled",
        /// `FOR REPLICATION`.
        for_replication: bool = "IsForReplication",
        /// The text after `AS`.
        body: Option<Script> = "BodyScript",
        /// It is compiled to machine code.
        native: bool = "IsNativeCompiled",
        /// What it uses can't be changed.
        schema_bound: bool = "IsSchemaBound",
        /// Its text is hidden.
        encrypted: bool = "IsEncrypted",
        /// `EXECUTE AS CALLER`.
        as_caller: bool = "IsCaller",
        /// `EXECUTE AS SELF`.
        as_self: bool = "IsSelf",
        /// `EXECUTE AS OWNER`.
        as_owner: bool = "IsOwner",
        /// ANSI_NULLS when it was made.
        ansi_nulls: bool = "IsAnsiNullsOn",
        /// QUOTED_IDENTIFIER when it was made.
        quoted_identifier: bool = "IsQuotedIdentifierOn",
        /// It is published.
        replicated: bool = "IsReplicated",
        /// The method of a CLR procedure.
        method: Option<String> = "MethodName",
        /// The class of a CLR procedure.
        class: Option<String> = "ClassName",
        /// The assembly of a CLR procedure.
        assembly: Option<Reference> = "Assembly",
        /// What it uses.
        dependencies: Entries = "BodyDependencies",
        /// Tables that its text makes up.
        dynamic: Vec<AnyElement> = "DynamicObjects",
        /// Its parameters.
        parameters: Vec<Parameter> = "Parameters",
        /// The first of a numbered group.
        parent: Name = "ParentProc",
        /// `EXECUTE AS` a user.
        as_user: Option<Reference> = "User",
    }
}

forms! {
    /// Which kind of function it is.
    FunctionForm {
        Scalar = "SqlScalarFunction",
        Inline = "SqlInlineTableValuedFunction",
        MultiStatement = "SqlMultiStatementTableValuedFunction",
    }
}

forms! {
    /// How a function is made.
    FunctionBodyForm { Script = "SqlScriptFunctionImplementation", Clr = "SqlClrFunctionImplementation" }
}

kind! {
    /// How a function is made.
    FunctionBody = form FunctionBodyForm {
        /// The text after the header.
        body: Option<Script> = "BodyScript",
        /// The method of a CLR function.
        method: Option<String> = "MethodName",
        /// The class of a CLR function.
        class: Option<String> = "ClassName",
        /// The assembly of a CLR function.
        assembly: Option<Reference> = "Assembly",
    }
}

kind! {
    /// A function.
    Function = form FunctionForm {
        /// The variable that a multi-statement function fills.
        return_variable: Option<String> = "ReturnTableVariable",
        /// The server may put its text into the query (scalar functions).
        inlineable: bool = "IsInlineable",
        /// `INLINE = ON` (scalar functions).
        inline: bool = "IsInline",
        /// What it uses can't be changed.
        schema_bound: bool = "IsSchemaBound",
        /// `RETURNS NULL ON NULL INPUT`.
        null_on_null: bool = "DoReturnNullForNullInput",
        /// `CALLED ON NULL INPUT`.
        called_on_null: bool = "IsCalledForNullInput",
        /// It is compiled to machine code.
        native: bool = "IsNativeCompiled",
        /// Its text is hidden.
        encrypted: bool = "IsEncrypted",
        /// `EXECUTE AS CALLER`.
        as_caller: bool = "IsCaller",
        /// `EXECUTE AS SELF`.
        as_self: bool = "IsSelf",
        /// `EXECUTE AS OWNER`.
        as_owner: bool = "IsOwner",
        /// ANSI_NULLS when it was made.
        ansi_nulls: bool = "IsAnsiNullsOn",
        /// QUOTED_IDENTIFIER when it was made.
        quoted_identifier: bool = "IsQuotedIdentifierOn",
        /// It is published.
        replicated: bool = "IsReplicated",
        /// What it uses.
        dependencies: Entries = "BodyDependencies",
        /// The columns of the table it gives back.
        columns: Vec<Column> = "Columns",
        /// Tables that its text makes up.
        dynamic: Vec<AnyElement> = "DynamicObjects",
        /// How it is made.
        implementation: Option<FunctionBody> = "FunctionBody",
        /// Its parameters.
        parameters: Vec<Parameter> = "Parameters",
        /// What a scalar function gives back.
        returns: Option<TypeSpec> = "Type",
        /// `EXECUTE AS` a user.
        as_user: Option<Reference> = "User",
    }
}

numbered! {
    /// When a trigger runs.
    TriggerTiming {
        /// No statement.
        Unknown = 0,
        /// `FOR`, which is after.
        For = 1,
        /// `AFTER`.
        After = 2,
        /// `INSTEAD OF`.
        InsteadOf = 3,
    }
}

numbered! {
    /// Which place a trigger has among those of its table and event.
    TriggerOrder {
        /// Any.
        None = 0,
        /// The first.
        First = 1,
        /// The last.
        Last = 2,
    }
}

kind! {
    /// A trigger on a table or view.
    DmlTrigger = "SqlDmlTrigger" {
        /// On INSERT.
        on_insert: bool = "IsInsertTrigger",
        /// On UPDATE.
        on_update: bool = "IsUpdateTrigger",
        /// On DELETE.
        on_delete: bool = "IsDeleteTrigger",
        /// Its place on INSERT.
        insert_order: TriggerOrder = "InsertOrderRestriction",
        /// Its place on UPDATE.
        update_order: TriggerOrder = "UpdateOrderRestriction",
        /// Its place on DELETE.
        delete_order: TriggerOrder = "DeleteOrderRestriction",
        /// `WITH APPEND` (old servers).
        with_append: bool = "IsWithAppend",
        /// Replication agents do not fire it.
        not_for_replication: bool = "IsNotForReplication",
        /// It is compiled to machine code.
        native: bool = "IsNativeCompiled",
        /// What it uses can't be changed.
        schema_bound: bool = "IsSchemaBound",
        /// Its text is hidden.
        encrypted: bool = "IsEncrypted",
        /// When it runs.
        timing: TriggerTiming = "SqlTriggerType",
        /// It does not run.
        disabled: bool = "IsDisabled",
        /// The text after `AS`.
        body: Option<Script> = "BodyScript",
        /// ANSI_NULLS when it was made.
        ansi_nulls: bool = "IsAnsiNullsOn",
        /// QUOTED_IDENTIFIER when it was made.
        quoted_identifier: bool = "IsQuotedIdentifierOn",
        /// `EXECUTE AS CALLER`.
        as_caller: bool = "IsCaller",
        /// `EXECUTE AS SELF`.
        as_self: bool = "IsSelf",
        /// `EXECUTE AS OWNER`.
        as_owner: bool = "IsOwner",
        /// The method of a CLR trigger.
        method: Option<String> = "MethodName",
        /// The class of a CLR trigger.
        class: Option<String> = "ClassName",
        /// The assembly of a CLR trigger.
        assembly: Option<Reference> = "Assembly",
        /// What it uses.
        dependencies: Entries = "BodyDependencies",
        /// Tables that its text makes up.
        dynamic: Vec<AnyElement> = "DynamicObjects",
        /// The table or view.
        parent: Name = "Parent",
        /// `EXECUTE AS` a user.
        as_user: Option<Reference> = "User",
    }
}

kind! {
    /// An event that fires a DDL trigger.
    TriggerEvent = "SqlTriggerEventTypeSpecifier" {
        /// Its place among those of the event.
        order: TriggerOrder = "Order",
        /// The event, by DacFx's number (which is the server's).
        event: Option<i64> = "EventType",
    }
}

kind! {
    /// A trigger on the database.
    DdlTrigger = "SqlDatabaseDdlTrigger" {
        /// Its text is hidden.
        encrypted: bool = "IsEncrypted",
        /// When it runs.
        timing: TriggerTiming = "SqlTriggerType",
        /// It does not run.
        disabled: bool = "IsDisabled",
        /// The text after `AS`.
        body: Option<Script> = "BodyScript",
        /// ANSI_NULLS when it was made.
        ansi_nulls: bool = "IsAnsiNullsOn",
        /// QUOTED_IDENTIFIER when it was made.
        quoted_identifier: bool = "IsQuotedIdentifierOn",
        /// `EXECUTE AS CALLER`.
        as_caller: bool = "IsCaller",
        /// `EXECUTE AS SELF`.
        as_self: bool = "IsSelf",
        /// `EXECUTE AS OWNER`.
        as_owner: bool = "IsOwner",
        /// The method of a CLR trigger.
        method: Option<String> = "MethodName",
        /// The class of a CLR trigger.
        class: Option<String> = "ClassName",
        /// The assembly of a CLR trigger.
        assembly: Option<Reference> = "Assembly",
        /// What it uses.
        dependencies: Entries = "BodyDependencies",
        /// Tables that its text makes up.
        dynamic: Vec<AnyElement> = "DynamicObjects",
        /// Groups of events that fire it.
        event_groups: Vec<AnyElement> = "EventGroup",
        /// Events that fire it.
        events: Vec<TriggerEvent> = "EventType",
        /// `EXECUTE AS` a user.
        as_user: Option<Reference> = "User",
    }
}

/// The annotation that keeps what stands round a module's body.
pub(crate) const MODULE_TEXT: &str = "SysCommentsObjectAnnotation";

/// The text of a module: header, body, footer.
pub fn module_text(rest: &Rest, body: Option<&Script>) -> Option<String> {
    let annotation = rest.annotation(MODULE_TEXT)?;
    let mut text = annotation.property("HeaderContents")?.to_owned();
    text.push_str(body.map_or("", |b| &b.text));
    text.push_str(annotation.property("FooterContents").unwrap_or(""));
    Some(text)
}

/// Makes the annotation that keeps header and footer of a module.
pub fn set_module_text(rest: &mut Rest, header: &str, length: usize, create_offset: usize, footer: &str) {
    let mut properties: Vec<(&str, String)> = Vec::new();
    if create_offset > 0 {
        properties.push(("CreateOffset", create_offset.to_string()));
    }
    properties.push(("Length", length.to_string()));
    properties.push(("StartLine", "1".into()));
    properties.push(("StartColumn", "1".into()));
    properties.push(("HeaderContents", header.to_owned()));
    if !footer.is_empty() {
        properties.push(("FooterContents", footer.to_owned()));
    }
    rest.set_annotation(Annotation {
        kind: MODULE_TEXT.into(),
        nodes: properties
            .into_iter()
            .map(|(name, value)| {
                Node::Property(crate::bacpac::model::Property {
                    name: name.into(),
                    value: crate::bacpac::model::Value::Plain(value),
                    more: Vec::new(),
                })
            })
            .collect(),
        ..Annotation::default()
    });
}

macro_rules! definitions {
    ($($type:ident),*) => { $(
        impl $type {
            /// The whole text, as it was made (`sys.sql_modules.definition`), where the model has it.
            pub fn definition(&self) -> Option<String> {
                module_text(&self.rest, self.body.as_ref())
            }
        }
    )* };
}
definitions!(View, Procedure, DmlTrigger, DdlTrigger);

impl Function {
    /// The whole text, as it was made (`sys.sql_modules.definition`), where the model has it.
    pub fn definition(&self) -> Option<String> {
        let implementation = self.implementation.as_ref()?;
        module_text(&implementation.rest, implementation.body.as_ref())
    }
}
