/** Prints the software bill of materials of the bundle, in CycloneDX: `npm run sbom`. */
import { bundleMaterials } from './helpers/sbom.ts';
import { scriptCall } from './helpers/script-call.ts';

scriptCall(import.meta.filename, {});

process.stdout.write(`${JSON.stringify(await bundleMaterials(), null, 2)}\n`);
