// A Vulkan layer: the GPU under it has KITH_GPU_BYTES bytes of memory and no more, and is lost after
// KITH_GPU_SUBMITS submissions, KITH_GPU_SUBMITS_AGAIN where it was lost before, which the file KITH_GPU_LOST says.
// Where KITH_GPU_HARDWARE is set, it says that it is no software. Without these it is as it is. The file
// KITH_GPU_COUNT gets the most submissions that a process has made.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define FUNCTION(of) ((PFN_vkVoidFunction)(of))
#define MOST_ALLOCATIONS 65536

static PFN_vkGetInstanceProcAddr next_of_instance;
static PFN_vkGetDeviceProcAddr next_of_device;
static PFN_vkQueueSubmit next_submit;
static PFN_vkGetPhysicalDeviceProperties next_properties;
static PFN_vkGetPhysicalDeviceProperties2 next_properties2;

static unsigned long long bytes_left, submits_left, submits;
static struct {
    VkDeviceMemory memory;
    VkDeviceSize size;
} allocations[MOST_ALLOCATIONS];

static unsigned long long setting(const char *name) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : ~0ull;
}

// Writes into the file that a variable names.
static void note_in(const char *name, const char *text) {
    const char *path = getenv(name);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fputs(text, file);
    fclose(file);
}

static int was_lost(void) {
    const char *path = getenv("KITH_GPU_LOST");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) fclose(file);
    return file != NULL;
}

static __attribute__((destructor)) void count(void) {
    const char *path = getenv("KITH_GPU_COUNT");
    FILE *file = path ? fopen(path, "r") : NULL;
    char text[32] = "";
    if (file && fgets(text, sizeof text, file) && strtoull(text, NULL, 10) > submits) path = NULL;
    if (file) fclose(file);
    snprintf(text, sizeof text, "%llu", submits);
    if (path) note_in("KITH_GPU_COUNT", text);
}

static void no_software(VkPhysicalDeviceProperties *properties) {
    if (getenv("KITH_GPU_HARDWARE")) properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
}

static VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice device, VkPhysicalDeviceProperties *properties) {
    next_properties(device, properties);
    no_software(properties);
}

static VKAPI_ATTR void VKAPI_CALL properties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *properties) {
    next_properties2(device, properties);
    no_software(&properties->properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *callbacks, VkDeviceMemory *memory) {
    size_t place = 0;
    while (place < MOST_ALLOCATIONS && allocations[place].memory) place++;
    if (place == MOST_ALLOCATIONS || info->allocationSize > bytes_left) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    PFN_vkAllocateMemory next = (PFN_vkAllocateMemory)next_of_device(device, "vkAllocateMemory");
    VkResult result = next(device, info, callbacks, memory);
    if (result == VK_SUCCESS) {
        allocations[place].memory = *memory;
        allocations[place].size = info->allocationSize;
        bytes_left -= info->allocationSize;
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL release(VkDevice device, VkDeviceMemory memory,
                                          const VkAllocationCallbacks *callbacks) {
    for (size_t place = 0; memory && place < MOST_ALLOCATIONS; place++) {
        if (allocations[place].memory != memory) continue;
        allocations[place].memory = VK_NULL_HANDLE;
        bytes_left += allocations[place].size;
        break;
    }
    ((PFN_vkFreeMemory)next_of_device(device, "vkFreeMemory"))(device, memory, callbacks);
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                             VkFence fence) {
    if (submits_left == 0) {
        note_in("KITH_GPU_LOST", "");
        return VK_ERROR_DEVICE_LOST;
    }
    submits_left--;
    submits++;
    return next_submit(queue, count, infos, fence);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL of_device(VkDevice device, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr")) return FUNCTION(of_device);
    if (!strcmp(name, "vkAllocateMemory")) return FUNCTION(allocate);
    if (!strcmp(name, "vkFreeMemory")) return FUNCTION(release);
    PFN_vkVoidFunction next = next_of_device(device, name);
    if (strcmp(name, "vkQueueSubmit")) return next;
    next_submit = (PFN_vkQueueSubmit)next;
    return FUNCTION(submit);
}

// The loader hands the rest of the chain of layers over in a list of structures of two kinds.
static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *callbacks, VkDevice *device) {
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerDeviceCreateInfo *)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    next_of_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    return ((PFN_vkCreateDevice)next(VK_NULL_HANDLE, "vkCreateDevice"))(physical, info, callbacks, device);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *callbacks, VkInstance *instance) {
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
    while (link &&
           (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerInstanceCreateInfo *)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    next_of_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    bytes_left = setting("KITH_GPU_BYTES");
    submits_left = setting(was_lost() ? "KITH_GPU_SUBMITS_AGAIN" : "KITH_GPU_SUBMITS");
    return ((PFN_vkCreateInstance)next_of_instance(VK_NULL_HANDLE, "vkCreateInstance"))(info, callbacks, instance);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetDeviceProcAddr(VkDevice device, const char *name) {
    return of_device(device, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance, const char *name) {
    if (!strcmp(name, "vkGetInstanceProcAddr")) return FUNCTION(vkGetInstanceProcAddr);
    if (!strcmp(name, "vkGetDeviceProcAddr")) return FUNCTION(of_device);
    if (!strcmp(name, "vkCreateInstance")) return FUNCTION(create_instance);
    if (!strcmp(name, "vkCreateDevice")) return FUNCTION(create_device);
    PFN_vkVoidFunction next = next_of_instance(instance, name);
    if (!strcmp(name, "vkGetPhysicalDeviceProperties")) {
        next_properties = (PFN_vkGetPhysicalDeviceProperties)next;
        return FUNCTION(properties);
    }
    if (!strncmp(name, "vkGetPhysicalDeviceProperties2", 30) && next) {
        next_properties2 = (PFN_vkGetPhysicalDeviceProperties2)next;
        return FUNCTION(properties2);
    }
    return next;
}
