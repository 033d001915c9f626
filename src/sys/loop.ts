export { loopFlags, setLoopFlags } from "urunc:sys";
