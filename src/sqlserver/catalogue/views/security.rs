//! Views of security policies, keys and plan guides, and of what lies outside: external data and Service Broker.

use super::{View, not_in_azure, since, view};

/// What is asked of them, in this order.
pub(super) const VIEWS: &[View] = &[
    since(
        13,
        view(
            "sys.security_policies",
            &[
                "name",
                "object_id",
                "schema_id",
                "is_ms_shipped",
                "is_enabled",
                "is_not_for_replication",
                "is_schema_bound",
            ],
        ),
    ),
    since(
        13,
        view(
            "sys.security_predicates",
            &[
                "object_id",
                "security_predicate_id",
                "target_object_id",
                "predicate_definition",
                "predicate_type",
                "operation",
            ],
        ),
    ),
    since(
        13,
        view(
            "sys.column_master_keys",
            &[
                "name",
                "column_master_key_id",
                "key_store_provider_name",
                "key_path",
                "allow_enclave_computations@15",
                "signature@15",
            ],
        ),
    ),
    since(13, view("sys.column_encryption_keys", &["name", "column_encryption_key_id"])),
    since(
        13,
        view(
            "sys.column_encryption_key_values",
            &["column_encryption_key_id", "column_master_key_id", "encrypted_value", "encryption_algorithm_name"],
        ),
    ),
    view("sys.symmetric_keys", &["name", "symmetric_key_id"]),
    view("sys.asymmetric_keys", &["name", "asymmetric_key_id"]),
    view("sys.certificates", &["name", "certificate_id"]),
    since(13, view("sys.database_scoped_credentials", &["name", "credential_id", "credential_identity"])),
    since(
        13,
        view(
            "sys.external_data_sources",
            &[
                "data_source_id",
                "name",
                "location",
                "type",
                "resource_manager_location",
                "credential_id",
                "database_name",
                "shard_map_name",
            ],
        ),
    ),
    since(
        13,
        not_in_azure(view(
            "sys.external_file_formats",
            &[
                "file_format_id",
                "name",
                "format_type",
                "field_terminator",
                "string_delimiter",
                "date_format",
                "use_type_default",
                "serde_method",
                "data_compression",
            ],
        )),
    ),
    since(
        13,
        view(
            "sys.external_tables",
            &[
                "object_id",
                "uses_ansi_nulls",
                "data_source_id",
                "file_format_id",
                "location",
                "reject_type",
                "distribution_type",
                "sharding_col_id",
                "remote_schema_name",
                "remote_object_name",
                "reject_value",
                "reject_sample_value",
            ],
        ),
    ),
    not_in_azure(view(
        "sys.service_message_types",
        &["name", "message_type_id", "principal_id", "validation", "xml_collection_id"],
    )),
    not_in_azure(view("sys.service_contracts", &["name", "service_contract_id", "principal_id"])),
    not_in_azure(view(
        "sys.service_contract_message_usages",
        &["service_contract_id", "message_type_id", "is_sent_by_initiator", "is_sent_by_target"],
    )),
    not_in_azure(view(
        "sys.service_queues",
        &[
            "object_id",
            "max_readers",
            "activation_procedure",
            "execute_as_principal_id",
            "is_activation_enabled",
            "is_receive_enabled",
            "is_enqueue_enabled",
            "is_retention_enabled",
            "is_poison_message_handling_enabled",
        ],
    )),
    not_in_azure(view("sys.services", &["name", "service_id", "principal_id", "service_queue_id"])),
    not_in_azure(view("sys.service_contract_usages", &["service_id", "service_contract_id"])),
    not_in_azure(view(
        "sys.routes",
        &["name", "route_id", "principal_id", "remote_service_name", "broker_instance", "address", "mirror_address"],
    )),
    not_in_azure(view("sys.remote_service_bindings", &["name", "remote_service_binding_id"])),
    not_in_azure(view("sys.conversation_priorities", &["name"])),
    view("sys.plan_guides", &["name"]),
    not_in_azure(view("sys.event_notifications", &["name"])),
    not_in_azure(view("sys.database_audit_specifications", &["name"])),
    view("sys.crypt_properties", &["class", "major_id"]),
    since(14, not_in_azure(view("sys.external_libraries", &["name"]))),
];
