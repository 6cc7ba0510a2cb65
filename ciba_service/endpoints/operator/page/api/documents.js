// What the service answers (docs/operator-openapi.yaml), as types.

/**
 * @template Item
 * @typedef {{ items: Item[], next: string | null }} Page
 */

/**
 * @typedef {{ operator: string, roles: string[], time: string, expires_at: string | null,
 *   csrf_token: string | null }} SessionDocument
 * @typedef {{ time: string, issuer: string, ready: boolean, missing: string | null,
 *   connected_phones: number, held_polls: number, event_streams: number,
 *   evidence_waiting: number | null }} ServiceState
 * @typedef {{ sub: string, enabled: boolean, phones: number, failed_attempts: number,
 *   locked: boolean }} UserSummary
 * @typedef {{ device_id: string, sub: string, name: string, enrolled_at: string,
 *   waits_until?: string }} Phone
 * @typedef {{ sub: string, enabled: boolean, failed_attempts: number, locked: boolean,
 *   phones: Phone[], blocked_clients: { client_id: string, until: string | null }[],
 *   open_prompts: { transaction_id: string, client_id: string }[],
 *   lasting_accesses: { transaction_id: string, client_name: string, shares: string[],
 *     since: string, until: string }[] }} User
 * @typedef {{ activation_code: string, expires_in: number, second_secret?: string,
 *   needs_approval?: boolean, link?: string }} ActivationCode
 * @typedef {{ transaction_id: string, client_id: string, expires_at: string }} PendingSummary
 * @typedef {{ id: number, event: string, at: string, reason?: string, attempt?: number,
 *   status?: number, failure?: string, again_at?: string }} LedgerEvent
 * @typedef {{ transaction_id: string, client_id: string, state: string, complete: boolean,
 *   events: LedgerEvent[] }} Transaction
 * @typedef {{ transaction_id: string, client_id: string, state: string, attempts: number,
 *   reason: string | null, at: string | null }} DeliverySummary
 * @typedef {DeliverySummary & { transaction: string | null,
 *   redeliver_until: string | null }} Delivery
 * @typedef {{ client_id: string, name: string, profile: string, delivery_mode: string,
 *   enabled: boolean, origin: "configured" | "registered", since: string | null }} ClientSummary
 * @typedef {ClientSummary & { scope: string, authorization_details_types: string[],
 *   notification_endpoint: string | null, jwks_uri: string | null, sector: string | null,
 *   shows_certificate: boolean, may_refresh: boolean, notification_hosts: string[] }} Client
 * @typedef {{ id: string, at: number, time: string, severity: "info" | "warning" | "alert",
 *   event: { kind: string } & Record<string, unknown> }} SecurityEvent
 * @typedef {{ enabled: boolean, waiting: number,
 *   heads: { partition: number, number: number, hash: string }[] }} Evidence
 */

export {};
