import fc from 'fast-check';
import { accountEventDefinitions, type AccountEvent, type Instant } from '../account-events.js';
import type { Field } from '../event-fields.js';

/** Any event that can be stored, whether or not a decision would lead to it. Numbers are small, so that they meet. */
export function anyAccountEvent(instants: {
  min: Instant;
  max: Instant;
}): fc.Arbitrary<AccountEvent> {
  const valueOf = ({ kind }: Field<unknown, boolean>): fc.Arbitrary<unknown> => {
    switch (kind.name) {
      case 'text':
        return fc.string();
      case 'instant':
        return fc.integer(instants);
      case 'whole-number':
        return fc.integer({ min: kind.least, max: 3 });
      case 'word':
        return fc.constantFrom(...kind.words);
    }
  };
  const events = accountEventDefinitions.map(([type, { fields }]) => {
    const named = Object.entries(fields);
    const requiredKeys = named.flatMap(([name, { isOptional }]) => (isOptional ? [] : [name]));
    const values = Object.fromEntries(named.map(([name, field]) => [name, valueOf(field)]));
    return fc.record({ type: fc.constant(type), data: fc.record(values, { requiredKeys }) });
  });
  return fc.oneof(...events) as fc.Arbitrary<unknown> as fc.Arbitrary<AccountEvent>;
}
