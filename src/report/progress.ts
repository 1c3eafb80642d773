import { Presets, SingleBar } from 'cli-progress';

/** The progress display of a long run. */
export interface Progress {
  show(done: number, total: number): void;
  /** Clears it from the screen. */
  end(): void;
}

/** A bar on a terminal, cleared at the end. */
export function progressBar(terminal: NodeJS.WritableStream): Progress {
  // A narrow terminal truncates the line.
  const format = 'pyclink: {value}/{total} sources, {eta_formatted} left {bar}';
  const bar = new SingleBar({ format, stream: terminal, clearOnComplete: true, hideCursor: true }, Presets.legacy);
  return {
    show: (done, total) => {
      if (!bar.isActive) bar.start(total, done);
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
