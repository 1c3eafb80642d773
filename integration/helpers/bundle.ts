import { execa } from 'execa';

/** The tests of the command line run what users run: the bundle, made from the sources as they are now. */
export default async function bundle(): Promise<void> {
  await execa('npm', ['run', '--silent', 'build']);
}
