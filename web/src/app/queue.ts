/** Runs jobs in order, so many at a time; a job that is dropped before its turn is never started. */
export class Queue {
  #waiting: (() => Promise<void>)[] = [];
  #running = 0;

  constructor(readonly limit: number) {}

  /** Jobs waiting or running. */
  get size(): number {
    return this.#waiting.length + this.#running;
  }

  /** Adds a job; the answer takes it out again if it has not begun. */
  add(job: () => Promise<void>): () => void {
    this.#waiting.push(job);
    this.#next();
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== job);
    };
  }

  #next(): void {
    while (this.#running < this.limit) {
      const job = this.#waiting.shift();
      if (!job) return;
      this.#running += 1;
      void job()
        .catch(() => undefined)
        .finally(() => {
          this.#running -= 1;
          this.#next();
        });
    }
  }
}
