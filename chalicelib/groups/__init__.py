"""Groups of people in messengers: the register, their figures, which places have none."""
