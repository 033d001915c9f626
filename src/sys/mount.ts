export {
  chroot,
  fsconfigCreate,
  fsconfigSet,
  fsmount,
  fsopen,
  mount,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  umount2,
} from "urunc:sys";
