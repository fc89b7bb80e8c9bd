/** Serves the cells to a conformance suite: `conformance run 'exec:node javascript/harness.mjs'`. */

import { serve } from "./server.mjs";
import { Service } from "./service.mjs";

await serve(new Service());
