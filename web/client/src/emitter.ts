/** Typed events. */

type Listener<Value> = (value: Value) => void;

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Add a listener, and return the function that removes it. */
  on<Type extends keyof Events>(type: Type, listener: Listener<Events[Type]>): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    // Wrapped, so that a function that is added twice is called twice, and removed once at a time.
    const added: Listener<Events[Type]> = (value) => listener(value);
    listeners.add(added);
    return () => void listeners.delete(added);
  }

  emit<Type extends keyof Events>(type: Type, value: Events[Type]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        (listener as Listener<Events[Type]>)(value);
      } catch (error) {
        // An error of one listener must not keep the others from their event, nor end the connection.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
