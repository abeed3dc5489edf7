/* Bed A: QEMU's `q35` as a PC with two kinds of cores, whose firmware sets clocks and tells a temperature.
 *
 * A clock is set by a byte to I/O port 0x402, which QEMU writes to a file; the temperature, in tenths of a kelvin, is a
 * word of memory that the host shares. Names of the CPUs: hw/i386/acpi-build.c of QEMU.
 */
DefinitionBlock ("", "SSDT", 2, "DYND", "BEDA", 1)
{
    External (\_SB.CPUS.C000, DeviceObj)
    External (\_SB.CPUS.C001, DeviceObj)
    External (\_SB.CPUS.C002, DeviceObj)
    External (\_SB.CPUS.C003, DeviceObj)

    // MHz, mW, latencies in µs, the byte that sets it and the byte that tells it.
    Name (LITT, Package () {
        Package () { 1400,  700, 10, 10, 0x0E, 0x0E },
        Package () { 1000,  450, 10, 10, 0x0A, 0x0A },
        Package () {  600,  220, 10, 10, 0x06, 0x06 },
        Package () {  200,   80, 10, 10, 0x02, 0x02 }
    })
    Name (BIGG, Package () {
        Package () { 2000, 2500, 10, 10, 0x54, 0x54 },
        Package () { 1400, 1500, 10, 10, 0x4E, 0x4E },
        Package () {  800,  700, 10, 10, 0x48, 0x48 },
        Package () {  200,  150, 10, 10, 0x42, 0x42 }
    })

#define CPU(DEVICE, TABLE, DOMAIN) \
    Scope (DEVICE) { \
        Name (_PCT, Package () { \
            ResourceTemplate () { Register (SystemIO, 8, 0, 0x402) }, \
            ResourceTemplate () { Register (SystemIO, 8, 0, 0x402) } \
        }) \
        Method (_PSS) { Return (TABLE) } \
        Name (_PPC, 0) \
        Name (_PSD, Package () { Package () { 5, 0, DOMAIN, 0xFC, 2 } }) \
    }

    CPU (\_SB.CPUS.C000, LITT, 0)
    CPU (\_SB.CPUS.C001, LITT, 0)
    CPU (\_SB.CPUS.C002, BIGG, 1)
    CPU (\_SB.CPUS.C003, BIGG, 1)

    OperationRegion (HOST, SystemMemory, 0x0F000000, 0x1000)
    Field (HOST, DWordAcc, NoLock, Preserve) { TMPK, 32 }

    Scope (\_TZ)
    {
        ThermalZone (ZONE)
        {
            Method (_TMP) { If (LEqual (TMPK, Zero)) { Return (2982) } Return (TMPK) }
            Method (_PSV) { Return (3582) } // 85 °C
            Method (_CRT) { Return (4000) } // 127 °C
            Name (_PSL, Package () { \_SB.CPUS.C000, \_SB.CPUS.C001, \_SB.CPUS.C002, \_SB.CPUS.C003 })
            Name (_TC1, 2)
            Name (_TC2, 3)
            Name (_TSP, 10)
            Name (_TZP, 10)
        }
    }
}
