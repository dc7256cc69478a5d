#include <stdio.h>

int main(void)
{
	puts("hello from the guest");
	return 0;
}
