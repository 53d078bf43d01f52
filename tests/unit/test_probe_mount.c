#include "probe_fixture.h"
int main(void){ struct probe_options o = probe_defaults(); int r = fixture_open(&o); printf("%d %s\n", r, fixture.why); if(fixture.probe) fixture_close(); return 0;}
