"""What is out of the ordinary in the database, each with its reason: the lists a reviewer reads.

A policy for web that names neither tenant nor person, a function that runs as the owner, and a
constraint whose error could tell that another tenant's row exists: none without a line here.
"""

# Rows that web may touch without being their tenant or person.
SHARED_ROWS = {
    "web.strategies follower": "who subscribes to a strategy reads its name and defaults",
    "web.people fellow_members": "through web.members, whose rows are the tenant's own",
    "web.broker_accounts own": "through web.connections, whose rows are the tenant's own",
    "web.broker_accounts add": "a new account is named before the connection that shows it",
    "web.switches platform": "everybody is told that the platform is halted, or a broker of theirs",
    "web.mails write": "mail goes to people of any tenant or of none; web reads none",
    "web.boots web": "rows of processes",
    "web.broker_notices everybody": "what staff tell about a broker; a page shows its customers'",
    "web.plans everybody": "what is sold: the same for all",
    "web.plan_limits everybody": "what is sold: the same for all",
    "web.doubts web": "the webhook's doubts of a commit; web reads none",
}

BEFORE_SIGN_IN = "asked before it is known who asks; takes a secret, or tells nothing of it"
OF_A_MESSAGE = "a webhook's message: its URL names the strategy, no tenant is known yet"
STAFFS_SIGN_IN = "staff's way in; takes a secret, or tells nothing of it"
STAFFS_DEED = "the one way in which staff change this; see docs/staff.md"
OWN_TRIGGER = "called by a trigger or another function, by nobody else"
OF_A_PERSON = "the relay's and an operator's: a person is in several tenants, and goes from all"
# Functions that run as the owner, past row security: why they may.
DEFINERS = {
    "find_staff_login": STAFFS_SIGN_IN,
    "knows_staff_address": STAFFS_SIGN_IN,
    "open_staff_link": STAFFS_SIGN_IN,
    "open_staff_session": STAFFS_SIGN_IN,
    "find_staff_session": STAFFS_SIGN_IN,
    "complete_staff_session": STAFFS_SIGN_IN,
    "close_staff_session": STAFFS_SIGN_IN,
    "is_staff": "tells staff's role whose second factors are staff's",
    "decide_staff_request": STAFFS_DEED,
    "throttle_webhook": STAFFS_DEED,
    "replace_webhook_secret": STAFFS_DEED,
    "end_view_as": STAFFS_DEED,
    "find_view_as": "through whose eyes staff look; takes a secret, and staff's session with it",
    "flags_on": "which features are on for the current tenant; whom else they name stays hidden",
    "schema_version": "how new the database is",
    "accept_signal": OF_A_MESSAGE,
    "connector_at": OF_A_MESSAGE,
    "connector_of": OF_A_MESSAGE,
    "find_connector": OF_A_MESSAGE,
    "find_webhook": OF_A_MESSAGE,
    "record_refusal": OF_A_MESSAGE,
    "webhook_at": OF_A_MESSAGE,
    "answer_in_doubt": OWN_TRIGGER,
    "earlier_signal": OWN_TRIGGER,
    "end_alarms": OWN_TRIGGER,
    "former_secrets_of": OWN_TRIGGER,
    "place_event": OWN_TRIGGER,
    "refuse_former_token": OWN_TRIGGER,
    "keep_an_owner": OWN_TRIGGER,
    "tenants_of": OWN_TRIGGER,
    "accept_invitation": BEFORE_SIGN_IN,
    "count_try": BEFORE_SIGN_IN,
    "find_api_key": BEFORE_SIGN_IN,
    "find_login": BEFORE_SIGN_IN,
    "find_passkey": BEFORE_SIGN_IN,
    "find_session": BEFORE_SIGN_IN,
    "forgive_tries": BEFORE_SIGN_IN,
    "has_second_factor": BEFORE_SIGN_IN,
    "keep_challenge": BEFORE_SIGN_IN,
    "keep_link": BEFORE_SIGN_IN,
    "knows_address": BEFORE_SIGN_IN,
    "look_at_invitation": BEFORE_SIGN_IN,
    "open_link": BEFORE_SIGN_IN,
    "open_session": BEFORE_SIGN_IN,
    "renew_session": BEFORE_SIGN_IN,
    "sign_up": BEFORE_SIGN_IN,
    "spend_links": BEFORE_SIGN_IN,
    "switch_session": BEFORE_SIGN_IN,
    "take_challenge": BEFORE_SIGN_IN,
    "add_tenant": "a workspace of the current person's own",
    "live_strategies": "tells of one's own strategies that somebody trades live money by them, "
    "not who",
    "own_login": "the current person's own password hash, which no role may select",
    "bump_strategy_version": "checks the tenant itself: owner or follower of the strategy",
    "accounts_of_others": "tells that one's own account is traded by somebody else too, not whom",
    "privacy_key": "keys of personal words in the trail, sealed under FILLWIRE_SEALING_KEY",
    "find_privacy_keys": "as privacy_key; whose words they open is under row security",
    "erase_person": OF_A_PERSON,
    "erase_tenants": OWN_TRIGGER,
    "namesakes": OF_A_PERSON,
    "orphaned_tenants": OF_A_PERSON,
    "personal_rows": OF_A_PERSON,
    "sole_tenants": OF_A_PERSON,
    "strangers": OF_A_PERSON,
    "measure_young": "the relay's: has a table measured, and answers its name",
    "due_checkpoint_mails": "the relay's: where owners of a chain want its checkpoints sent to",
    "my_tenants": "of the current person: names of the workspaces that they are in",
    "inbox": "mail of an installation that sends none; the page is for this machine alone",
}

RANDOM = "the id is 122 random bits: who names it knows it"
SECRET = "the hash of a secret: who names it knows the secret"
# Unique constraints and foreign keys that look at rows of every tenant, where web may insert.
TELLING = {
    "strategies_pkey": RANDOM,
    "connections_pkey": RANDOM,
    "subscriptions_pkey": RANDOM,
    "strategy_webhooks_pkey": RANDOM,
    "strategy_intake_pkey": RANDOM,
    "connectors_pkey": RANDOM,
    "api_keys_pkey": RANDOM,
    "passkeys_pkey": RANDOM,
    "mails_pkey": RANDOM,
    "boots_pkey": RANDOM,
    "former_secrets_pkey": RANDOM,
    "settings_versions_pkey": RANDOM,
    "subscription_spans_pkey": RANDOM,
    "one_open_span": RANDOM,
    "subscriptions_strategy_id_connection_id_key": "row security refuses a strategy or a "
    "connection of another tenant, and a follower's connection is its own",
    "strategy_webhooks_webhook_uuid_key": RANDOM,
    "api_keys_key_hash_key": SECRET,
    "connectors_token_hash_name_key": SECRET,
    "passkeys_credential_id_key": "the credential's id is drawn by its device",
    "switches_pkey": "row security refuses a scope that is not the tenant's own",
    "broker_accounts_pkey": "made from the account's name: see the next",
    "broker_accounts_broker_environment_account_key": "ON CONFLICT DO NOTHING: new or known, the "
    "answer is the same; that others trade it is told once it is connected",
    "audit_events_pkey": "drawn by the database",
    "sign_ins_pkey": "drawn by the database",
    "connections_broker_account_id_fkey": "an account is shared by whoever holds its keys",
    "subscriptions_strategy_tenant_id_strategy_id_fkey": "row security asks for one's own strategy",
    "members_person_id_fkey": RANDOM,
    "invitations_pkey": RANDOM,
    "invitations_token_hash_key": SECRET,
    "invitations_invited_by_fkey": RANDOM,
    "api_keys_created_by_fkey": RANDOM,
    "checkpoint_mails_person_id_fkey": RANDOM,
}
