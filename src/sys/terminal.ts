export {
  getWindowSize,
  isatty,
  openPtyMaster,
  openPtyPeer,
  ptyNumber,
  restoreMode,
  setControllingTerminal,
  setRawMode,
  setWindowSize,
} from "urunc:sys";
