//! Nothing is dropped in silence: every property and relationship of an element is set by the server's script, or goes
//! without saying, or is reported with its object and its value. A property that a later version of the format brings
//! is in no list here, and so is reported by itself. `tests/restore_script.rs` changes every property of every kind
//! and wants the script or the report to change.

use super::{Maker, NotCarried, text};
use crate::bacpac::model::*;

/// What the script sets, by element type.
const SET: &[(&str, &str)] = &[
    ("SqlSchema", "Authorizer"),
    (
        "SqlTable",
        "TextInRowSize IsLargeValueTypesOutOfRow IsVardecimalStorageFormatOn IsChangeTrackingOn \
         IsTrackColumnsUpdatedOn IsChangeDataCaptureOn Durability RetentionValue RetentionUnit IsNode IsEdge \
         LockEscalation IsTableLockOnBulkLoad IsAnsiNullsOn IsQuotedIdentifierOn IsMemoryOptimized Columns \
         DataCompressionOptions PartitionColumn PartitionScheme TemporalSystemVersioningHistoryTable",
    ),
    (
        "SqlSimpleColumn",
        "Collation IsNullable IsIdentity IsRowGuidColumn IdentitySeed IdentityIncrement IdentityIsNotForReplication \
         IsFileStream IsSparse GeneratedAlwaysType MaskingFunction IsHidden EncryptionType EncryptionAlgorithmName \
         SensitivityLabel SensitivityLabelId SensitivityInformationType SensitivityInformationTypeId \
         ColumnEncryptionKey TypeSpecifier",
    ),
    ("SqlComputedColumn", "ExpressionScript IsPersisted IsPersistedNullable"),
    ("SqlTypeSpecifier", "Scale Precision Length IsMax Type"),
    ("SqlXmlTypeSpecifier", "XmlStyle XmlSchemaCollection"),
    ("SqlUserDefinedDataType", "IsNullable Scale Precision Length IsMax Type"),
    ("SqlTableType", "IsMemoryOptimized Columns Constraints Indexes"),
    (
        "SqlTableTypeSimpleColumn",
        "Collation IsNullable IsIdentity IsRowGuidColumn IdentitySeed IdentityIncrement TypeSpecifier",
    ),
    ("SqlTableTypeComputedColumn", "ExpressionScript IsPersisted IsPersistedNullable"),
    ("SqlTableTypePrimaryKeyConstraint", "IsClustered DoIgnoreDuplicateKey IsHash BucketCount ColumnSpecifications"),
    ("SqlTableTypeUniqueConstraint", "IsClustered DoIgnoreDuplicateKey IsHash BucketCount ColumnSpecifications"),
    ("SqlTableTypeCheckConstraint", "CheckExpressionScript"),
    ("SqlTableTypeDefaultConstraint", "DefaultExpressionScript ForColumn"),
    ("SqlTableTypeIndex", "IsUnique IsHash BucketCount ColumnSpecifications"),
    ("SqlTableTypeIndexedColumnSpecification", "IsAscending Column"),
    ("SqlIndexedColumnSpecification", "IsAscending Column"),
    ("SqlDataCompressionOption", "CompressionLevel PartitionNumber"),
    ("SqlPrimaryKeyConstraint", KEY),
    ("SqlUniqueConstraint", KEY),
    (
        "SqlForeignKeyConstraint",
        "IsNotForReplication OnUpdateAction OnDeleteAction IsDisabled Columns DefiningTable ForeignColumns ForeignTable",
    ),
    ("SqlCheckConstraint", "IsNotForReplication CheckExpressionScript IsDisabled DefiningTable"),
    ("SqlDefaultConstraint", "DefaultExpressionScript DefiningTable ForColumn"),
    ("SqlEdgeConstraint", "OnDeleteAction IsDisabled Clauses DefiningTable"),
    ("SqlEdgeConstraintClause", "FromTable ToTable"),
    (
        "SqlIndex",
        "IsUnique FilterPredicate DoIncrementalStatistics IsDisabled FillFactor IsPadded DoIgnoreDuplicateKey \
         DoRecomputeStatistics DoAllowRowLocks DoAllowPageLocks IsClustered IsHash BucketCount ColumnSpecifications \
         DataCompressionOptions IncludedColumns IndexedObject PartitionColumn PartitionScheme",
    ),
    (
        "SqlColumnStoreIndex",
        "CompressionDelay FilterPredicate IsDisabled IsClustered ColumnSpecifications DataCompressionOptions \
         IndexedObject PartitionColumn PartitionScheme",
    ),
    (
        "SqlXmlIndex",
        "IsPrimary PrimaryXmlIndexUsage IsPadded FillFactor DoRecomputeStatistics DoAllowRowLocks DoAllowPageLocks \
         DoIgnoreDuplicateKey IsDisabled Column IndexedObject UsingPrimaryXmlIndex",
    ),
    (
        "SqlSpatialIndex",
        "Tessellation XMin YMin XMax YMax GridDensityLevel1 GridDensityLevel2 GridDensityLevel3 GridDensityLevel4 \
         CellsPerObject IsPadded FillFactor DoIgnoreDuplicateKey DoRecomputeStatistics DoAllowRowLocks \
         DoAllowPageLocks DataCompression IsDisabled Column IndexedObject",
    ),
    ("SqlStatistic", "SamplingStyle SampleSize NoRecompute FilterPredicate Incremental Columns Subject"),
    ("SqlFullTextCatalog", "IsAccentSensitive IsDefault Authorizer"),
    ("SqlFullTextStopList", "Authorizer"),
    (
        "SqlFullTextIndex",
        "IsDisabled ChangeTrackingOption IsStopListOff DoUseSystemStopList Catalog Columns IndexedObject KeyName \
         SearchPropertyList StopList",
    ),
    ("SqlFullTextIndexColumnSpecifier", "LanguageId IsPartOfStatisticalSemanticAnalysis Column TypeColumn"),
    ("SqlView", "QueryScript IsAnsiNullsOn IsQuotedIdentifierOn"),
    ("SqlProcedure", "BodyScript IsAnsiNullsOn IsQuotedIdentifierOn"),
    ("SqlScalarFunction", FUNCTION),
    ("SqlInlineTableValuedFunction", FUNCTION),
    ("SqlMultiStatementTableValuedFunction", FUNCTION),
    ("SqlScriptFunctionImplementation", "BodyScript"),
    ("SqlClrFunctionImplementation", "MethodName ClassName Assembly OrderColumns"),
    ("SqlClrFunctionOrderedColumnSpecification", "IsAscending Column"),
    ("SqlAssembly", "PermissionSet IsVisible AssemblySources Authorizer"),
    ("SqlAssemblySource", "Source"),
    ("SqlAssemblyFile", "Source Assembly"),
    ("SqlAggregate", "ClassName Assembly Parameters ReturnType"),
    ("SqlSubroutineParameter", "DefaultExpressionScript Type"),
    ("SqlUserDefinedType", "ClassName Assembly"),
    (
        "SqlDmlTrigger",
        "BodyScript IsAnsiNullsOn IsQuotedIdentifierOn IsDisabled InsertOrderRestriction UpdateOrderRestriction \
         DeleteOrderRestriction",
    ),
    ("SqlDatabaseDdlTrigger", "BodyScript IsAnsiNullsOn IsQuotedIdentifierOn IsDisabled EventType"),
    ("SqlTriggerEventTypeSpecifier", "Order"),
    (
        "SqlSequence",
        "IsCycling IsCached CacheSize HasNoMaxValue HasNoMinValue MinValue MaxValue Increment StartValue TypeSpecifier",
    ),
    ("SqlSynonym", "ForObjectScript"),
    ("SqlXmlSchemaCollection", "SchemaExpression"),
    ("SqlRule", "ExpressionScript BoundTargets"),
    ("SqlDefault", "ExpressionScript BoundTargets"),
    ("SqlExtendedProperty", "Value Host"),
    (
        "SqlUser",
        "IsWithoutLogin LoginIdentifierScript AuthenticationType DefaultLanguage Password Sid AsymmetricKey \
         Certificate DefaultSchema Login",
    ),
    ("SqlRole", "Authorizer"),
    ("SqlApplicationRole", "Password DefaultSchema"),
    ("SqlRoleMembership", "Member Role"),
    (
        "SqlPermissionStatement",
        "PermissionAction IsWithGrantOption IsAllPrivileges Permission ExcludedColumns Grantee Grantor \
         RevokedGrantOptionColumns SecuredObject",
    ),
    ("SqlPartitionFunction", "Range BoundaryValues ParameterType"),
    ("SqlPartitionValue", "ExpressionScript"),
    ("SqlPartitionScheme", "IsAllToOneFilegroup Filegroups PartitionFunction"),
    ("SqlMessageType", "ValidationMethod Authorizer XmlSchemaCollection"),
    ("SqlContract", "Authorizer Messages"),
    ("SqlContractMessageSpecifier", "SentBy MessageType IsDefault"),
    (
        "SqlQueue",
        "IsStatusOn IsRetentionOn IsActivationOn MaxQueueReaders IsPoisonMessageHandlingEnabled IsOwner \
         ActivationProcedure User",
    ),
    ("SqlService", "UseDefaultContract Authorizer Contracts Queue"),
    ("SqlRoute", "Service BrokerInstanceIdentifier Lifetime Address MirrorAddress Authorizer"),
    ("SqlMasterKey", "EncryptionPassword"),
    ("SqlDatabaseCredential", "Identity Secret"),
    (
        "SqlSymmetricKey",
        "KeySource Algorithm IdentityValue Authorizer EncryptionAsymmetricKeys EncryptionCertificates \
         EncryptionPasswords EncryptionSymmetricKeys",
    ),
    ("SqlSymmetricKeyEncryptionPassword", "EncryptionPassword"),
    ("SqlAsymmetricKey", "Algorithm EncryptionPassword Authorizer"),
    (
        "SqlCertificate",
        "NewKeyEncryptionPassword NewKeySubject NewKeyStartDate NewKeyExpireDate IsActiveForBeginDialog Authorizer",
    ),
    ("SqlColumnMasterKey", "KeyStoreProviderName KeyPath AllowEnclaveComputations Signature"),
    ("SqlColumnEncryptionKey", "ColumnEncryptionKeyValues"),
    ("SqlColumnEncryptionKeyValue", "EncryptedValue EncryptionAlgorithm ColumnMasterKey"),
    ("SqlSecurityPolicy", "Enabled NotForReplication IsSchemaBound Predicates"),
    ("SqlSecurityPredicate", "BodyScript Operation PredicateType TargetObject"),
    ("SqlExternalDataSource", "DataSourceType Location ResourceManagerLocation DatabaseName ShardMapName Credential"),
    (
        "SqlExternalFileFormat",
        "FormatType SerDeMethod FieldTerminator StringDelimiter DateFormat UseTypeDefault DataCompression",
    ),
    (
        "SqlExternalTable",
        "Location RejectType RejectValue RejectSampleValue DistributionPolicyType ExternalSchemaName \
         ExternalObjectName Columns DataSourceName FileFormatName ShardingColumn",
    ),
];

const KEY: &str = "IsClustered IsDisabled FillFactor IsPadded DoIgnoreDuplicateKey DoRecomputeStatistics \
                   DoAllowRowLocks DoAllowPageLocks IsHash BucketCount ColumnSpecifications DataCompressionOptions \
                   DefiningTable PartitionColumn PartitionScheme";
const FUNCTION: &str = "IsAnsiNullsOn IsQuotedIdentifierOn FunctionBody";

/// What goes without saying, and why: the reasons are for whoever reads this.
pub const WITHOUT_SAYING: &[(&str, &str, &str)] = &[
    ("SqlTable", "DynamicObjectForChangeTable", "the server makes the change table"),
    ("SqlTable", "IsAutoGeneratedHistoryTable", "a history table is named by its table and is a table like any other"),
    ("SqlSimpleColumn", "GraphType", "AS NODE and AS EDGE make these columns"),
    ("SqlSimpleColumn", "IsPseudoColumn", "the server makes these columns"),
    ("SqlComputedColumn", "TypeSpecifier", "the expression has a type"),
    ("SqlTableTypeComputedColumn", "TypeSpecifier", "the expression has a type"),
    ("SqlColumnSet", "TypeSpecifier", "a column set is always xml"),
    ("SqlXmlTypeSpecifier", "Type", "it is always xml"),
    ("SqlDefaultConstraint", "IsWithValues", "it is about rows that were there before the column was"),
    ("SqlView", MODULE, "the text says it"),
    ("SqlProcedure", MODULE, "the text says it"),
    ("SqlScalarFunction", MODULE, "the text says it"),
    ("SqlInlineTableValuedFunction", MODULE, "the text says it"),
    ("SqlMultiStatementTableValuedFunction", MODULE, "the text says it"),
    ("SqlDmlTrigger", MODULE, "the text says it"),
    ("SqlDatabaseDdlTrigger", MODULE, "the text says it"),
    ("SqlTriggerEventTypeSpecifier", "EventType", "the text says it"),
    (
        "SqlClrFunctionImplementation",
        "IsDeterministic DataAccess SystemDataAccess IsPrecise FillRowMethodName",
        "the assembly says it",
    ),
    ("SqlAssembly", "ReferencedAssemblies", "the assembly says it; here it orders the script"),
    (
        "SqlAggregate",
        "Format IsInvariantToDuplicates IsInvariantToNulls IsNullIfEmpty MaxByteSize",
        "the assembly says it",
    ),
    (
        "SqlUserDefinedType",
        "Format MaxByteSize IsByteOrdered ValidationMethodName IsFixedLength Methods Properties",
        "the assembly says it",
    ),
    ("SqlUser", "UserType", "the provider knows whether it is a user or a group"),
    ("SqlQueue", "Columns", "every queue has the same columns"),
    ("SqlQueue", "IsCaller IsSelf", "EXECUTE AS SELF is what is written where there is no other"),
    ("SqlAsymmetricKey", "IsEncryptedWithPassword", "there is a password, or there is none"),
    ("SqlCertificate", "IsEncryptedWithPassword", "there is a password, or there is none"),
    ("SqlExternalTable", "IsAnsiNullsOn IsQuotedIdentifierOn", "an external table has no expressions"),
];

/// What the text of a module says: header, body and footer are kept as they were.
const MODULE: &str = "IsEncrypted IsSchemaBound IsMetadataReported IsWithCheckOption IsColumnExplicitlyDefined Columns \
                      DynamicObjects IsRecompiled IsForReplication IsNativeCompiled IsCaller IsSelf IsOwner \
                      MethodName ClassName Assembly Parameters ParentProc User Login ReturnTableVariable IsInlineable \
                      IsInline DoReturnNullForNullInput IsCalledForNullInput Type IsInsertTrigger IsUpdateTrigger \
                      IsDeleteTrigger IsWithAppend IsNotForReplication SqlTriggerType Parent EventGroup";

/// Annotations that mean something for a restore, and are heeded; and those of DacFx's about texts, names and sources,
/// which mean nothing for it. Any other may mean anything.
const ANNOTATIONS: &str = "IsNotTrustedPropertyAnnotation SqlInlineConstraintAnnotation SqlInlineIndexAnnotation \
                           SysCommentsObjectAnnotation AliasedToDbo BuiltinSysAdminLoginAnnotation \
                           ChangeTableAnnotation ChangeTableReferenceAnnotation ClrTypeAnnotation \
                           CreateTimeVerifiedDanglingRelationshipAnnotation DataCompressionExpansionAnnotation \
                           DataTypeAnnotation ExpandedWildcardAnnotation ExplicitNumberOneProcAnnotation \
                           ExtendedPropertyHostAnnotation ExternalPropertyAnnotation ExternalReferenceAnnotation \
                           ExternalSourceAnnotation FileTableSystemDefinedObjectAnnotation \
                           GeneratedSqlFileAnnotation GloballyScoped HekatonIncompatibleScriptAnnotation \
                           ImplicitForeignKeyAnnotation ImplicitNullabilityAnnotation MSShippedElementAnnotation \
                           MismatchedNameAnnotation ModuleInvocationAnnotation NoClusteredSpecifiedAnnotation \
                           OffscreenBufferAnnotation ParameterOrVariableAnnotation PersistedResolvableAnnotation \
                           ReferencedColumnMasterKeyAnnotation ReferencedIndexAnnotation \
                           ResolveTimeVerifiedDanglingRelationshipAnnotation SkipExtendedVerificationAnnotation \
                           SqlModelBuilderResolvableAnnotation TableTypeParameterOrVariableAnnotation \
                           TemporalHistoryTableIndicatorAnnotation ThreePartNameReferenceAnnotation \
                           WildcardTargetAnnotation XmlDataTypeAnnotation";

/// Whether an annotation is heeded, or means nothing for a restore.
fn is_known_annotation(annotation: &Annotation) -> bool {
    match annotation.kind.as_str() {
        // What the source server knew: where identities and sequences stood.
        "OnlinePropertyAnnotation" => {
            matches!(annotation.name.as_deref(), Some("[LastValue]" | "[CurrentValue]" | "[LastUsedValue]"))
        }
        kind => listed(ANNOTATIONS, kind),
    }
}

/// What an element uses orders the script; the schema is in its name.
fn is_order(name: &str) -> bool {
    name == "Schema" || name.ends_with("Dependencies") || name == "ForObject"
}

fn listed(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|l| l == name)
}

/// Whether the script sets it, or it goes without saying.
fn is_known(kind: &str, name: &str) -> bool {
    is_order(name)
        || SET.iter().any(|(k, list)| *k == kind && listed(list, name))
        || WITHOUT_SAYING.iter().any(|(k, list, _)| *k == kind && listed(list, name))
}

/// Values that must not be shown.
fn is_secret(name: &str) -> bool {
    name.contains("Password") || name.contains("Secret")
}

/// The kind of an element in words: `foreign key constraint`.
pub fn kind_words(kind: &str) -> String {
    text::words(kind.strip_prefix("Sql").unwrap_or(kind), ' ').to_lowercase()
}

fn short(value: &str) -> String {
    const LONGEST: usize = 200;
    let mut out: String = value.chars().take(LONGEST).collect();
    if out.len() < value.len() {
        out.push('…');
    }
    out
}

impl Maker<'_> {
    /// Reports what the script of an object leaves out of it. `batches` and `left`: how many there were before it.
    pub(super) fn leave_the_rest(&mut self, object: &Object, batches: usize, left: usize) {
        let made = self.batches.len() > batches;
        // Left whole, and said so; or an element that has a list of its own.
        if (!made && self.not_carried.len() > left) || matches!(object, Object::DatabaseOptions(_)) {
            return;
        }
        let element = object.to_element();
        let name = match object.rest().and_then(Rest::system_name) {
            Some(made_up) if element.name.is_none() => made_up.to_string(),
            _ => element.name.clone().unwrap_or_default(),
        };
        let mut found = Vec::new();
        rest_of(&element, &name, "", &mut found);
        self.not_carried.append(&mut found);
    }
}

/// What of an element, and of those that live in it, the script does not set.
fn rest_of(element: &Element, name: &str, parent: &str, found: &mut Vec<NotCarried>) {
    let kind = element.kind.as_str();
    let name = element.name.as_deref().filter(|n| Name::parse(n).is_ok()).unwrap_or(name);
    let mut leave = |property: &str, value: String, reason: &str| {
        found.push(NotCarried {
            kind: kind_words(kind),
            name: short(name),
            property: short(property),
            value,
            reason: reason.to_owned(),
        });
    };
    for node in &element.nodes {
        match node {
            Node::Property(property) => {
                let value = match &property.value {
                    Value::Plain(value) => value.as_str(),
                    Value::Script(script) => script.text.as_str(),
                    Value::Null => continue,
                };
                let default = vocabulary::default_of(kind, &property.name);
                // The columns of a columnstore have no order that a statement of its servers could say.
                let unordered = parent == "SqlColumnStoreIndex" && property.name == "IsAscending";
                if default == Some(value) || (is_known(kind, &property.name) && !unordered) {
                    continue;
                }
                let shown = if is_secret(&property.name) { "(not shown)".to_owned() } else { short(value) };
                leave(&property.name, shown, "a restore does not set it");
            }
            Node::Relationship(relationship) if !is_known(kind, &relationship.name) => {
                let names: Vec<&str> = relationship.references().filter_map(|r| r.name.as_deref()).collect();
                // A new database has this file group and no other.
                if names == ["[PRIMARY]"] {
                    continue;
                }
                let children = relationship.elements().filter_map(|e| e.name.as_deref());
                let value: Vec<&str> = names.iter().copied().chain(children).collect();
                let reason = if relationship.name.contains("ilegroup") {
                    "its files are not in the package: what lay there goes to PRIMARY"
                } else {
                    "a restore does not set it"
                };
                leave(&relationship.name, short(&value.join(", ")), reason);
            }
            Node::Annotation(annotation) if !is_known_annotation(annotation) => {
                let what = annotation.name.as_deref().unwrap_or("");
                let value = annotation.property("Value").unwrap_or("");
                leave(&annotation.kind, short(format!("{what} {value}").trim()), "it is not known");
            }
            Node::Unknown(raw) => leave(&short(&raw.tag), String::new(), "it is not known"),
            _ => {}
        }
    }
    for node in &element.nodes {
        if let Node::Relationship(relationship) = node
            && SET.iter().any(|(k, list)| *k == kind && listed(list, &relationship.name))
        {
            for child in relationship.elements() {
                rest_of(child, name, kind, found);
            }
        }
    }
}
