import { dispatch } from "./cli/dispatch.ts";
import { args, exit } from "./sys/process.ts";

exit(await dispatch(args()));
