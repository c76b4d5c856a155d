//! Views of modules and what they use: parameters, triggers, sequences and synonyms; of partitions, full-text search and
//! assemblies.

use super::{Value, View, not_in_azure, since, variant, view};

/// What is asked of them, in this order.
pub(super) const VIEWS: &[View] = &[
    view(
        "sys.sql_modules",
        &[
            "object_id",
            "definition",
            "uses_ansi_nulls",
            "uses_quoted_identifier",
            "is_schema_bound",
            "is_recompiled",
            "null_on_null_input",
            "uses_native_compilation@12",
        ],
    ),
    not_in_azure(view("sys.numbered_procedures", &["object_id", "procedure_number", "definition"])),
    View {
        values: variant!("default_value"),
        ..view(
            "sys.parameters",
            &[
                "object_id",
                "name",
                "parameter_id",
                "system_type_id",
                "user_type_id",
                "max_length",
                "precision",
                "scale",
                "is_output",
                "is_cursor_ref",
                "is_xml_document",
                "xml_collection_id",
                "is_readonly",
                "is_nullable@12",
                "has_default_value",
            ],
        )
    },
    view(
        "sys.triggers",
        &[
            "object_id",
            "name",
            "parent_class",
            "parent_id",
            "type",
            "is_ms_shipped",
            "is_disabled",
            "is_not_for_replication",
            "is_instead_of_trigger",
        ],
    ),
    view("sys.trigger_events", &["object_id", "type", "type_desc", "is_first", "is_last", "event_group_type_desc"]),
    since(
        11,
        View {
            variants: &[
                "start_value",
                "increment",
                "minimum_value",
                "maximum_value",
                "current_value",
                "last_used_value@14",
            ],
            ..view(
                "sys.sequences",
                &[
                    "object_id",
                    "is_cycling",
                    "is_exhausted",
                    "is_cached",
                    "cache_size",
                    "system_type_id",
                    "user_type_id",
                    "precision",
                    "scale",
                ],
            )
        },
    ),
    view("sys.synonyms", &["object_id", "base_object_name"]),
    view("sys.xml_schema_collections", &["xml_collection_id", "schema_id", "principal_id", "name"]),
    view("sys.data_spaces", &["name", "data_space_id", "type", "is_default"]),
    view("sys.filegroups", &["name", "data_space_id", "type", "is_read_only"]),
    view("sys.partition_functions", &["name", "function_id", "boundary_value_on_right", "is_system@11"]),
    view(
        "sys.partition_parameters",
        &["function_id", "parameter_id", "system_type_id", "user_type_id", "max_length", "precision", "scale"],
    ),
    View { values: variant!("value"), ..view("sys.partition_range_values", &["function_id", "boundary_id"]) },
    view("sys.partition_schemes", &["name", "data_space_id", "function_id", "is_system@11"]),
    view("sys.destination_data_spaces", &["partition_scheme_id", "destination_id", "data_space_id"]),
    View { values: variant!("value"), ..view("sys.extended_properties", &["class", "major_id", "minor_id", "name"]) },
    view(
        "sys.fulltext_catalogs",
        &["fulltext_catalog_id", "name", "is_default", "is_accent_sensitivity_on", "principal_id"],
    ),
    view("sys.fulltext_stoplists", &["stoplist_id", "name", "principal_id"]),
    view("sys.fulltext_stopwords", &["stoplist_id", "stopword"]),
    since(11, not_in_azure(view("sys.registered_search_property_lists", &["property_list_id", "name"]))),
    view(
        "sys.fulltext_indexes",
        &[
            "object_id",
            "unique_index_id",
            "fulltext_catalog_id",
            "is_enabled",
            "change_tracking_state",
            "stoplist_id",
            "property_list_id@11",
        ],
    ),
    view(
        "sys.fulltext_index_columns",
        &["object_id", "column_id", "type_column_id", "language_id", "statistical_semantics@11"],
    ),
    not_in_azure(view(
        "sys.assemblies",
        &["name", "principal_id", "assembly_id", "permission_set", "is_visible", "is_user_defined"],
    )),
    // Whole, as far as a model can hold it: what is longer reads as NULL, and is named.
    not_in_azure(View {
        values: &[Value {
            column: "content",
            alias: "content",
            sql: "CASE WHEN DATALENGTH(content) <= 67108864 THEN content END",
        }],
        // Assumption: what the server ships with has lower ids.
        condition: " WHERE assembly_id >= 65536",
        ..view("sys.assembly_files", &["assembly_id", "name", "file_id"])
    }),
    not_in_azure(view("sys.assembly_references", &["assembly_id", "referenced_assembly_id"])),
    not_in_azure(view(
        "sys.assembly_modules",
        &[
            "object_id",
            "assembly_id",
            "assembly_class",
            "assembly_method",
            "null_on_null_input",
            "execute_as_principal_id",
        ],
    )),
    not_in_azure(view("sys.assembly_types", &["user_type_id", "is_user_defined", "assembly_id", "assembly_class"])),
    not_in_azure(view("sys.function_order_columns", &["object_id", "order_column_id", "column_id", "is_descending"])),
];
