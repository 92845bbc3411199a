/**
 * Specifications of a decider: given these facts, when this command arrives, then those facts follow, or
 * that rule is broken. Takes the test runner's `expect`, so that nothing here depends on a test runner.
 */

interface Decider<Command, State, Event> {
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
  readonly initialState: State;
}

type Expect = (actual: unknown) => { toEqual(expected: unknown): void };

export interface Decided<State, Event> {
  /** What the command led to; nothing when a rule was broken. */
  readonly events: Event[];
  /** The state after these events. */
  readonly state: State;
  /** Expects exactly these events, and no broken rule. */
  then(...expected: Event[]): void;
  /** Expects this rule to be broken, with the same particulars. */
  thenThrows(expected: Error): void;
}

export interface Given<Command, State, Event> {
  /** The state that the given facts led to. */
  readonly state: State;
  when(command: Command): Decided<State, Event>;
}

/** @returns `given`, which takes the facts that happened before */
export function givenWhenThen<Command, State, Event>(
  decider: Decider<Command, State, Event>,
  expect: Expect,
): (...history: Event[]) => Given<Command, State, Event> {
  return (...history) => {
    const state = history.reduce(decider.evolve, decider.initialState);
    return {
      state,
      when(command) {
        const { events, error } = attempt(() => decider.decide(command, state));
        return {
          events,
          state: events.reduce(decider.evolve, state),
          then: (...expected) =>
            expect({ events, error: particularsOf(error) }).toEqual({ events: expected }),
          thenThrows: (expected) =>
            expect({ events, error: particularsOf(error) }).toEqual({
              events: [],
              error: particularsOf(expected),
            }),
        };
      },
    };
  };
}

function attempt<Event>(decide: () => Event[]): { events: Event[]; error?: unknown } {
  try {
    return { events: decide() };
  } catch (error) {
    return { events: [], error };
  }
}

/** Test runners compare errors by message alone; their fields matter here too. */
export function particularsOf(error: unknown): unknown {
  return error instanceof Error ? { ...error, message: error.message } : error;
}
