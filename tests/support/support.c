#include "proto/alloc.h"
