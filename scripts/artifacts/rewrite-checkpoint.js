// node scripts/artifacts/rewrite-checkpoint.js IN OUT [BYTES]: reads a checkpoint of onnxruntime-training and
// writes it again, with external data from BYTES of parameters on. Needs the built project (npm run build).
import { writeFileSync } from "node:fs";
import { encodeCheckpoint, readCheckpoint } from "../../dist/artifacts/checkpoint.js";

const [input, output, bytes] = process.argv.slice(2);
const options = bytes === undefined ? {} : { externalFrom: Number(bytes) };
const { file, external } = encodeCheckpoint(await readCheckpoint(input), options);
if (external) writeFileSync(`${output}.data`, Buffer.concat(external));
writeFileSync(output, file);
