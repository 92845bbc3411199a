/** A signal that consumers wait for; a call while no consumer waits is forgotten. */
export class WakeUp {
  private resolve: () => void = () => undefined;
  private next = this.newWait();

  wake(): void {
    this.resolve();
    this.next = this.newWait();
  }

  /** Resolves at the next call of `wake`. */
  woken(): Promise<void> {
    return this.next;
  }

  private newWait(): Promise<void> {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}
