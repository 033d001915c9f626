/** Version of urunc and of the runtime-spec it follows, as `--version` and `features` say them. */
export const VERSION = "0.1.0";
export const SPEC_VERSION = "1.2.0";
