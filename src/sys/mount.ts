export {
  chroot,
  fsconfigCreate,
  fsconfigSet,
  fsmount,
  fsopen,
  mount,
  mountIdmap,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  umount2,
} from "urunc:sys";
