/** Wakes whoever waits for it; ringing while nobody waits is forgotten. */
export class Bell {
  private wake: () => void = () => undefined;
  private next = this.newWait();

  ring(): void {
    this.wake();
    this.next = this.newWait();
  }

  /** Resolves at the next ring. */
  rung(): Promise<void> {
    return this.next;
  }

  private newWait(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
