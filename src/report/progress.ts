import { Presets, SingleBar } from 'cli-progress';

/** Shows how far a long run is. */
export interface Progress {
  show(done: number, total: number): void;
  /** Takes it off the screen. */
  end(): void;
}

/** For build logs: nothing. */
export const noProgress: Progress = { show: () => undefined, end: () => undefined };

/** A bar on a terminal, cleared at the end. */
export function progressBar(terminal: NodeJS.WritableStream): Progress {
  const format = 'pyclink: {bar} {value}/{total} sources, {eta_formatted} left';
  const bar = new SingleBar({ format, stream: terminal, clearOnComplete: true, hideCursor: true }, Presets.legacy);
  return {
    show: (done, total) => {
      if (!bar.isActive) bar.start(total, done);
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
