/** Undo steps of what has been acquired, run in reverse unless they are released. */
export interface CleanupStack {
  /** @param undo is told whether a step that was undone before it, one acquired later, has failed. */
  push(undo: (hasFailed: boolean) => void): void;
  /** Everything succeeded: nothing is undone. */
  release(): void;
  /** Undoes all, newest first; a step that fails does not keep the others from running. */
  unwind(onError: (error: unknown) => void): void;
}

export function cleanupStack(): CleanupStack {
  const steps: ((hasFailed: boolean) => void)[] = [];
  return {
    push: (undo) => {
      steps.push(undo);
    },
    release: () => {
      steps.length = 0;
    },
    unwind: (onError) => {
      let hasFailed = false;
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          step(hasFailed);
        } catch (error) {
          hasFailed = true;
          onError(error);
        }
      }
    },
  };
}
