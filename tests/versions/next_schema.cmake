# deltamesh_next_schema(schema next): the schema of a version that does not exist yet.
#
# `next` is `schema` with four more fields at the end of each struct, of kinds that lie in a struct in different ways;
# tests/versions/next_codec.cc fills and checks them by their names. Written anew only when it is another.
function(deltamesh_next_schema schema next)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema})
  file(READ ${schema} text)
  string(REPLACE ";" "<semicolon>" text "${text}") # Else it would part lists.
  string(REGEX REPLACE "@0x[0-9a-f]+" "@0xd5a1c7e94b0f3826" text "${text}")
  string(REPLACE "\"deltamesh::wire\"" "\"deltamesh::next_wire\"" text "${text}")
  string(REGEX MATCHALL "struct [A-Za-z]+ {[^}]*}" structs "${text}")
  foreach(struct IN LISTS structs)
    string(REGEX MATCHALL "@[0-9]+ :" ordinals "${struct}")
    list(LENGTH ordinals number)
    string(REPLACE "}" "" more "${struct}")
    foreach(field IN ITEMS "nextFlag=Bool" "nextNumber=UInt64" "nextText=Text" "nextGroups=List(List(UInt16))")
      string(REPLACE "=" " @${number} :" field "${field}")
      string(APPEND more "\n  ${field}<semicolon>")
      math(EXPR number "${number} + 1")
    endforeach()
    string(REPLACE "${struct}" "${more}\n}" text "${text}")
  endforeach()
  string(REPLACE "<semicolon>" ";" text "${text}")
  file(WRITE ${next}.made "${text}")
  file(COPY_FILE ${next}.made ${next} ONLY_IF_DIFFERENT)
endfunction()
