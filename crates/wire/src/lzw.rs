//! LZW as Go writes it: least significant bit first, literal width 8.
