import type { AccountEvent, Instant } from './account-events.js';

/**
 * What happened, for people who read an account's history. No personal data and no code: what the reader
 * may see of the event's data stands beside the sentence.
 */
export function sentenceOf(event: AccountEvent): string {
  switch (event.type) {
    case 'AccountRegistered':
      return (event.data.registrationNumber ?? 1) === 1
        ? 'The address was registered.'
        : 'The address was registered anew, after what was known of the person before was forgotten.';
    case 'RegistrationRenewed':
      return 'The address was registered again before it was activated; the new password replaced the old one.';
    case 'PasswordHashUpgraded':
      return 'The password proved to be right, and is now kept under a stronger hash.';
    case 'RegistrationRefused':
      return 'Somebody registered the address although its account is active; nothing changed.';
    case 'ActivationCodeIssued':
      return event.data.issueNumber === 1
        ? 'Activation code 1 was issued.'
        : `Activation code ${event.data.issueNumber} was issued; earlier codes are void.`;
    case 'ActivationCodeSent':
      return `Activation code ${event.data.issueNumber} was accepted by the e-mail provider; it can be used until ${timeOf(event.data.expiresAt)}.`;
    case 'ActivationCodeUndeliverable':
      return `Activation code ${event.data.issueNumber} could not be delivered; sending was given up after ${callsOf(event.data.attempts)} to the e-mail provider.`;
    case 'ActivationMailDelivered':
      return `The mail with activation code ${event.data.issueNumber} was delivered.`;
    case 'ActivationMailBounced':
      return event.data.kind === 'permanent'
        ? `The mail with activation code ${event.data.issueNumber} came back: the address takes no mail.`
        : `The mail with activation code ${event.data.issueNumber} was turned away for the time being; the e-mail provider goes on trying.`;
    case 'ActivationMailReportedAsSpam':
      return `The mail with activation code ${event.data.issueNumber} was reported as spam by whoever received it.`;
    case 'OwnerNoticeIssued':
      return `Notice ${event.data.noticeNumber} was issued, to tell the owner that somebody registered the address again.`;
    case 'OwnerNotified':
      return `Notice ${event.data.noticeNumber} to the owner was accepted by the e-mail provider.`;
    case 'OwnerNoticeUndeliverable':
      return `Notice ${event.data.noticeNumber} to the owner could not be delivered; sending was given up after ${callsOf(event.data.attempts)} to the e-mail provider.`;
    case 'ActivationRefused':
      return refusalOf(event.data.issueNumber, event.data.reason);
    case 'AccountActivated':
      return `The account was activated with activation code ${event.data.issueNumber}.`;
    case 'RegistrationLapsed':
      return 'The registration was never completed; what was known of the person was forgotten, and the address is free again.';
    case 'AccountErased':
      return 'The account was erased; what was known of the person was forgotten, and the address is free again.';
  }
}

function refusalOf(issueNumber: number, reason: 'incorrect' | 'expired' | 'exhausted'): string {
  switch (reason) {
    case 'incorrect':
      return `A wrong guess was made at activation code ${issueNumber}.`;
    case 'expired':
      return `Activation code ${issueNumber} was tried after it had expired.`;
    case 'exhausted':
      return `Activation code ${issueNumber} was tried when no guess was left.`;
  }
}

function callsOf(attempts: number): string {
  return attempts === 1 ? '1 call' : `${attempts} calls`;
}

function timeOf(instant: Instant): string {
  return new Date(instant).toISOString();
}
