/** Undo steps of what has been acquired, run in reverse unless they are released. */
export interface CleanupStack {
  push(undo: () => void): void;
  /** Everything succeeded: nothing is undone. */
  release(): void;
  /** Undoes all, newest first; a step that fails does not keep the others from running. */
  unwind(onError: (error: unknown) => void): void;
}

export function cleanupStack(): CleanupStack {
  const steps: (() => void)[] = [];
  return {
    push: (undo) => {
      steps.push(undo);
    },
    release: () => {
      steps.length = 0;
    },
    unwind: (onError) => {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          step();
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
