// Stands in for NVIDIA's library where there is no NVIDIA GPU: two cards behind its C interface, of which the second
// measures no power and tells a load that cannot be true. What dynd makes of the answers is tested with it, not what a driver answers.

#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3 };

static int cards[2] = {0, 1};

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return SUCCESS; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = &cards[index];
    return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned length) {
    strncpy(name, "Example GPU", length);
    return SUCCESS;
}

int nvmlDeviceGetClockInfo(void *device, int type, unsigned *mhz) { *mhz = 1410 - 100 * *(int *)device; return SUCCESS; }

int nvmlDeviceGetSupportedMemoryClocks(void *device, unsigned *count, unsigned *mhz) {
    mhz[0] = 405;
    mhz[1] = 7001;
    *count = 2;
    return SUCCESS;
}

int nvmlDeviceGetSupportedGraphicsClocks(void *device, unsigned memory, unsigned *count, unsigned *mhz) {
    if (memory != 7001) return NOT_SUPPORTED;
    unsigned known[] = {2100, 1410, 210};
    memcpy(mhz, known, sizeof known);
    *count = 3;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, unsigned *rates) { rates[0] = *(int *)device ? 101 : 37; rates[1] = 12; return SUCCESS; }

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    *milliwatts = 71250;
    return *(int *)device == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) { *celsius = 54; return SUCCESS; }
