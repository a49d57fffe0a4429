// The Node suite: what Outboard promises, seen by the client of the npm SDK.
import './face.mjs';
import './http.mjs';
import './scripts.mjs';
import './sessions.mjs';
