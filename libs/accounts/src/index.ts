export * from './account-events.js';
export type { FieldKind } from './event-fields.js';
export * from './account.js';
export { claimFor, claimsAfter, mostClaims, type Claim } from './claims.js';
export * from './account-errors.js';
export {
  ACTIVATION_POLICY,
  defaultActivationPolicy,
  type ActivationPolicy,
} from './activation-policy.js';
export * from './activation-settings.js';
export * from './mail-language.js';
export * from './account-decider.js';
export type { RegisterAccount, RegistrationAllowance } from './register-account.js';
export type { RequestActivationCode } from './request-activation-code.js';
export type { UpgradePasswordHash } from './upgrade-password-hash.js';
export type { ActivateAccount } from './activate-account.js';
export type { RecordActivationCodeSent } from './record-activation-code-sent.js';
export type { RecordActivationCodeUndeliverable } from './record-activation-code-undeliverable.js';
export type { MailEventKind, RecordMailEvent } from './record-mail-event.js';
export type { RecordOwnerNotified } from './record-owner-notified.js';
export type { RecordOwnerNoticeUndeliverable } from './record-owner-notice-undeliverable.js';
export * from './activation-outcome.js';
export * from './activation-progress.js';
export * from './activation-code.js';
export * from './account-stream-name.js';
export * from './address-key.js';
export * from './password-policy.js';
export * from './account-event-serde.js';
export * from './account-snapshot.js';
export * from './account-explanation.js';
export * from './reissue-activation-code.js';
export type { FreeAccount } from './free-account.js';
export { contestedUntil } from './activation-budgets.js';
export type { EraseAccount } from './erase-account.js';
export type { LapseRegistration } from './lapse-registration.js';
export * from './operator-decider.js';
export * from './personal-text.js';
export * from './guess-bound.js';
export * from './what-if-replay.js';
