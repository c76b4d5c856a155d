//! Columns and data types.

use crate::bacpac::model::declare::{forms, kind, numbered};
use crate::bacpac::model::{Name, Reference, Script};

forms! {
    /// Which element type stands for a data type.
    TypeForm { Plain = "SqlTypeSpecifier", Xml = "SqlXmlTypeSpecifier" }
}

kind! {
    /// A data type where it is used: of a column, a parameter, a sequence.
    TypeSpec = form TypeForm {
        /// Digits after the point; of seconds for the time types. 0 when absent: datetime2(7) says 7.
        scale: Option<i64> = "Scale",
        /// Digits in all.
        precision: Option<i64> = "Precision",
        /// Length in characters or bytes. Absent for `(max)` and for types that have none.
        length: Option<i64> = "Length",
        /// The length is `(max)`.
        is_max: bool = "IsMax",
        /// Content or a whole document (XML only).
        xml_style: XmlStyle = "XmlStyle",
        /// The type's name: one the server brings along (`[int]`, `[sys].[sysname]`, `[sys].[geography]`) or one of
        /// this model (an alias type, a table type, a CLR type).
        type_ref: Option<Reference> = "Type",
        /// The collection that types an XML column.
        xml_schema: Option<Reference> = "XmlSchemaCollection",
    }
}

impl TypeSpec {
    /// A type that the server brings along, by its own name: `int`, `nvarchar`.
    pub fn built_in(name: &str) -> TypeSpec {
        let form = if name == "xml" { TypeForm::Xml } else { TypeForm::Plain };
        TypeSpec { type_ref: Some(Reference::built_in(&Name::one(name))), ..TypeSpec::of(form) }
    }

    /// A type in the schema `sys`: `sysname`, `hierarchyid`, `geometry`, `geography`.
    pub fn system(name: &str) -> TypeSpec {
        TypeSpec { type_ref: Some(Reference::built_in(&Name::two("sys", name))), ..TypeSpec::default() }
    }

    /// A type of this model: an alias, table or CLR type.
    pub fn user(name: &Name) -> TypeSpec {
        TypeSpec { type_ref: Some(Reference::to(name)), ..TypeSpec::default() }
    }

    /// With a length in characters or bytes.
    pub fn length(self, length: i64) -> TypeSpec {
        TypeSpec { length: Some(length), ..self }
    }

    /// With the length `(max)`.
    pub fn max(self) -> TypeSpec {
        TypeSpec { is_max: true, ..self }
    }

    /// With precision and scale.
    pub fn decimal(self, precision: i64, scale: i64) -> TypeSpec {
        TypeSpec { precision: Some(precision), scale: Some(scale).filter(|s| *s != 0), ..self }
    }

    /// With a scale of seconds.
    pub fn seconds(self, scale: i64) -> TypeSpec {
        TypeSpec { scale: Some(scale).filter(|s| *s != 0), ..self }
    }

    /// The name of the type; empty where there is none.
    pub fn type_name(&self) -> Name {
        self.type_ref.as_ref().map(Reference::parsed).unwrap_or_default()
    }

    /// The name of a type that the server brings along (of `[sys].[sysname]`, `sysname`).
    pub fn built_in_name(&self) -> Option<String> {
        let reference = self.type_ref.as_ref().filter(|r| r.is_built_in())?;
        Some(reference.parsed().last().to_owned()).filter(|n| !n.is_empty())
    }
}

numbered! {
    /// What an XML value may be.
    XmlStyle {
        /// No statement.
        Unknown = 0,
        /// Any content.
        Content = 1,
        /// A document with one root.
        Document = 2,
    }
}

numbered! {
    /// Which period column it is.
    GeneratedAlways {
        /// None.
        None = 0,
        /// When the row began to hold.
        RowStart = 1,
        /// When it ceased to hold.
        RowEnd = 2,
    }
}

numbered! {
    /// How a column is encrypted by its clients.
    ColumnEncryption {
        /// Not at all.
        None = 0,
        /// The same value always gives the same bytes.
        Deterministic = 1,
        /// It does not.
        Randomized = 2,
    }
}

forms! {
    /// Which element type stands for a column.
    ColumnForm {
        Simple = "SqlSimpleColumn",
        Computed = "SqlComputedColumn",
        Set = "SqlColumnSet",
        TypeSimple = "SqlTableTypeSimpleColumn",
        TypeComputed = "SqlTableTypeComputedColumn",
    }
}

kind! {
    /// A column of a table, a table type, a view or a function. A column's name is its owner's with one more part.
    Column = form ColumnForm {
        /// The collation, where it is not the database's.
        collation: Option<String> = "Collation",
        /// Whether it takes NULL. Of a computed column `persisted_nullable` speaks.
        nullable: bool = "IsNullable",
        /// It is an identity column.
        identity: bool = "IsIdentity",
        /// It is the table's ROWGUIDCOL.
        row_guid: bool = "IsRowGuidColumn",
        /// The first identity value; 1 when absent.
        identity_seed: Option<String> = "IdentitySeed",
        /// The step between identity values; 1 when absent.
        identity_increment: Option<String> = "IdentityIncrement",
        /// Replication agents keep the values they bring.
        identity_not_for_replication: bool = "IdentityIsNotForReplication",
        /// Its values lie in files.
        file_stream: bool = "IsFileStream",
        /// It is sparse.
        sparse: bool = "IsSparse",
        /// It is a period column of a temporal table.
        generated_always: GeneratedAlways = "GeneratedAlwaysType",
        /// The masking function: `email()`.
        masking: Option<String> = "MaskingFunction",
        /// `SELECT *` leaves it out.
        hidden: bool = "IsHidden",
        /// How its clients encrypt it.
        encryption: ColumnEncryption = "EncryptionType",
        /// By which algorithm.
        encryption_algorithm: Option<String> = "EncryptionAlgorithmName",
        /// The part it plays in a node or edge table; 0 when it plays none.
        graph: Option<i64> = "GraphType",
        /// The server made it up.
        pseudo: bool = "IsPseudoColumn",
        /// How it is computed. A computed column of a view or function has no expression.
        expression: Option<Script> = "ExpressionScript",
        /// The computed value is stored.
        persisted: bool = "IsPersisted",
        /// The stored value may be NULL; yes when absent.
        persisted_nullable: Option<bool> = "IsPersistedNullable",
        /// The key its clients encrypt it with.
        encryption_key: Option<Reference> = "ColumnEncryptionKey",
        /// What its expression uses.
        dependencies: crate::bacpac::model::Entries = "ExpressionDependencies",
        /// Its type. A computed column has none.
        data_type: Option<TypeSpec> = "TypeSpecifier",
    }
}

impl Column {
    /// A nullable column with data.
    pub fn simple(owner: &Name, name: &str, data_type: TypeSpec) -> Column {
        Column { name: owner.child(name), data_type: Some(data_type), ..Column::of(ColumnForm::Simple) }
    }

    /// A computed column.
    pub fn computed(owner: &Name, name: &str, expression: Option<Script>) -> Column {
        Column { name: owner.child(name), expression, ..Column::of(ColumnForm::Computed) }
    }

    /// A column set.
    pub fn set(owner: &Name, name: &str) -> Column {
        let data_type = Some(TypeSpec::built_in("xml"));
        Column { name: owner.child(name), data_type, ..Column::of(ColumnForm::Set) }
    }

    /// Whether it is computed.
    pub fn is_computed(&self) -> bool {
        matches!(self.form, ColumnForm::Computed | ColumnForm::TypeComputed)
    }

    /// Whether it is a column set.
    pub fn is_column_set(&self) -> bool {
        self.form == ColumnForm::Set
    }

    /// Whether its values lie in the data parts of a package.
    pub fn has_data(&self) -> bool {
        matches!(self.form, ColumnForm::Simple | ColumnForm::TypeSimple)
    }

    /// The last identity value at the source, where it is known and a value was ever given.
    pub fn last_identity_value(&self) -> Option<&str> {
        self.rest.online_value("[LastValue]")
    }
}
