/**
 * The same messages, each shown to `note` before the consumer has it. Not a generator: each message would pass through
 * several promises more, and a worker passes every message to all of its consumers.
 */
export function noting<Message>(
  messages: AsyncIterable<Message>,
  note: (message: Message) => void,
): AsyncIterable<Message> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          if (!result.done) note(result.value);
          return result;
        },
        async return() {
          return (await iterator.return?.()) ?? { done: true, value: undefined };
        },
      };
    },
  };
}
